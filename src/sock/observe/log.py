"""When the log begins and ends: it subscribes to telemetry and hands the events to `lines`.

host               subscribes       lines appear
-----------------  ---------------  ----------------------------------------------------------
`sock run`, `run`  while it serves  on stderr, as text or JSON; the lines of the program too,
where the program has not configured logging
`serve`            while it serves  as the program has configured logging
an adapter         for good         as the program or its server has configured logging
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Final

from sock import telemetry

from . import lines, loggers, seldom
from .formats import formatter
from .loggers import log

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

LEVELS: Final = ("debug", "info", "warning", "error", "critical")

_asyncio: Final = logging.getLogger("asyncio")

_user_count = 0
_attached = False
_unsubscribe: Callable[[], None] | None = None
_stderr_handler: logging.Handler | None = None
"""The handler that `on_stderr` has made; None outside of it."""


@contextlib.contextmanager
def subscribed() -> Generator[None]:
    """Log events as long as at least one server of the process is inside of this context."""
    global _user_count, _unsubscribe  # noqa: PLW0603 - one for the process, so that each line is written once
    _user_count += 1
    if _unsubscribe is None:
        seldom.begin_again()
        _unsubscribe = telemetry.subscribe(lines.write_line)
    try:
        yield
    finally:
        _user_count -= 1
        if not _user_count and _unsubscribe is not None:
            _unsubscribe()
            _unsubscribe = None


def attach() -> None:
    """Log events for good, because the server of another project does not tell when it ends."""
    global _attached, _user_count, _unsubscribe  # noqa: PLW0603 - as above
    if not _attached:
        _attached = True
        _user_count += 1
        if _unsubscribe is None:
            _unsubscribe = telemetry.subscribe(lines.write_line)


@contextlib.contextmanager
def on_stderr(level: str, form: str, *, access: bool, query: bool = False) -> Generator[None]:
    """Write the log to stderr, and the lines of the program with it.

    Whatever the program has configured before stays as it is: the handlers and the level of the
    logger "sock", and those of the root logger.

    Args:
        level: the lowest level that is written, one of `LEVELS`.
        form: "text", or "json" for one object a line.
        access: whether to write a line for each answer, and for the beginning and the end of each
            connection.
        query: whether to write the values in query strings too.
    """
    global _stderr_handler  # noqa: PLW0603 - the loggers belong to the process too
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    with contextlib.ExitStack() as undo:
        _configure_own(handler, level, undo)
        _configure_root(handler, level, undo)
        _configure_asyncio(handler, undo)
        undo.enter_context(_access_log(enabled=access))
        query_before = lines.show_query_values(shown=query)
        undo.callback(lambda: lines.show_query_values(shown=query_before))
        _stderr_handler = handler
        try:
            yield
        finally:
            _stderr_handler = None
    handler.close()


def _configure_own(handler: logging.Handler, level: str, undo: contextlib.ExitStack) -> None:
    if log.level == logging.NOTSET:
        log.setLevel(level.upper())
        undo.callback(log.setLevel, logging.NOTSET)
    if not log.handlers:
        log.addHandler(handler)
        undo.callback(log.removeHandler, handler)
        undo.callback(setattr, log, "propagate", log.propagate)
        log.propagate = False


def _configure_root(handler: logging.Handler, level: str, undo: contextlib.ExitStack) -> None:
    root = logging.getLogger()
    if root.handlers:
        return
    root.addHandler(handler)
    undo.callback(root.removeHandler, handler)
    if root.level == logging.WARNING:  # the level that it has where nobody has set one
        root.setLevel(level.upper())
        undo.callback(root.setLevel, logging.WARNING)


@contextlib.contextmanager
def _access_log(*, enabled: bool) -> Generator[None]:
    before = loggers.enable_access_log(enabled=enabled)
    unset = loggers.access.level == logging.NOTSET
    if unset:
        loggers.access.setLevel(logging.INFO if enabled else logging.WARNING)
    try:
        yield
    finally:
        loggers.enable_access_log(enabled=before)
        if unset:
            loggers.access.setLevel(logging.NOTSET)


def _configure_asyncio(handler: logging.Handler, undo: contextlib.ExitStack) -> None:
    """Write the lines of asyncio, such as the traceback of a task that nobody awaits."""
    kind = _asyncio.__class__
    loggers.never_disabled(_asyncio.name)
    undo.callback(setattr, _asyncio, "__class__", kind)
    _asyncio.addFilter(_is_news)
    undo.callback(_asyncio.removeFilter, _is_news)
    if not _asyncio.hasHandlers():
        _asyncio.addHandler(handler)
        undo.callback(_asyncio.removeHandler, handler)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop asyncio's line about a slow callback in debug mode, which `callback.slow` has named."""
    if not str(record.msg).startswith("Executing "):
        return True
    message = record.getMessage()
    return "Epoll.poll" not in message and not any(
        f"/sock/{room}/" in message for room in ("loop", "live")
    )


def announce(urls: Sequence[str]) -> None:
    """Log where the server listens, whatever the level: a program may wait for this line."""
    message = f"listening on {', '.join(urls)}"
    record = lines.record(log, logging.INFO, "server.started", message, {"urls": list(urls)})
    log.handle(record)
    if (
        _stderr_handler is not None and _stderr_handler not in log.handlers
    ):  # the program has handlers of its own
        _stderr_handler.handle(record)
