"""Where the log begins and ends: it subscribes to telemetry, and shows what `lines` makes of that.

host                        subscribes          shows
--------------------------  ------------------  ------------------------------------------------
`sock run`, `run`           while it serves     on stderr, in its form; the program's own lines
                                                too, where the program has not configured logging
`serve`                     while it serves     as the program has configured logging
an adapter                  for good            as the program has, or its server
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Final

from sock import telemetry

from . import lines, loggers
from .formats import formatter
from .loggers import log

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

LEVELS: Final = ("debug", "info", "warning", "error", "critical")

_asyncio: Final = logging.getLogger("asyncio")

_installed = 0
_attached = False
_unsubscribe: Callable[[], None] | None = None
_shown: logging.Handler | None = None
"""The handler that `shown` has made."""


@contextlib.contextmanager
def logged() -> Generator[None]:
    """Log what happens, as long as at least one server of the process is inside."""
    global _installed, _unsubscribe  # noqa: PLW0603 - telemetry is the process', and a line is one
    _installed += 1
    if _unsubscribe is None:
        _unsubscribe = telemetry.subscribe(lines.tell)
    try:
        yield
    finally:
        _installed -= 1
        if not _installed and _unsubscribe is not None:
            _unsubscribe()
            _unsubscribe = None


def attach() -> None:
    """Log what happens, for good: in somebody else's server there is no end to wait for."""
    global _attached, _installed, _unsubscribe  # noqa: PLW0603 - as above
    if not _attached:
        _attached = True
        _installed += 1
        if _unsubscribe is None:
            _unsubscribe = telemetry.subscribe(lines.tell)


@contextlib.contextmanager
def shown(level: str, form: str, *, access: bool, query: bool = False) -> Generator[None]:
    """Show the log on stderr, and the program's own lines with it.

    What the program has configured before stays as it is: the handlers and the level of the logger
    "sock", and those of the root logger.

    Args:
        level: the lowest shown, one of `LEVELS`.
        form: "text" or "json", which has one object a line.
        access: whether to show a line for each answer, and for each connection's beginning and end.
        query: whether to show the values in query strings, too.
    """
    global _shown  # noqa: PLW0603 - the loggers are the process', too
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    with contextlib.ExitStack() as undo:
        _configure_own(handler, level, undo)
        _configure_root(handler, level, undo)
        _configure_asyncio(handler, undo)
        undo.enter_context(_asking_for_access(asked=access))
        query_before = lines.show_query(shown=query)
        undo.callback(lambda: lines.show_query(shown=query_before))
        _shown = handler
        try:
            yield
        finally:
            _shown = None
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
    if root.level == logging.WARNING:  # as it is where nobody has set it
        root.setLevel(level.upper())
        undo.callback(root.setLevel, logging.WARNING)


@contextlib.contextmanager
def _asking_for_access(*, asked: bool) -> Generator[None]:
    before = loggers.ask_access(asked=asked)
    unset = loggers.access.level == logging.NOTSET
    if unset:
        loggers.access.setLevel(logging.INFO if asked else logging.WARNING)
    try:
        yield
    finally:
        loggers.ask_access(asked=before)
        if unset:
            loggers.access.setLevel(logging.NOTSET)


def _configure_asyncio(handler: logging.Handler, undo: contextlib.ExitStack) -> None:
    """Show what asyncio says, such as the traceback of a task that nobody awaits."""
    kind = _asyncio.__class__
    loggers.kept(_asyncio.name)
    undo.callback(setattr, _asyncio, "__class__", kind)
    _asyncio.addFilter(_is_news)
    undo.callback(_asyncio.removeFilter, _is_news)
    if not _asyncio.hasHandlers():
        _asyncio.addHandler(handler)
        undo.callback(_asyncio.removeHandler, handler)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what asyncio says of a slow callback of ours in debug mode: `callback.slow` named it."""
    if not str(record.msg).startswith("Executing "):
        return True
    told = record.getMessage()
    return "Epoll.poll" not in told and not any(
        f"/sock/{room}/" in told for room in ("loop", "live")
    )


def announce(url: str) -> None:
    """Say where the server listens, whatever the level: whoever started it waits for this line."""
    record = lines.record(log, logging.INFO, "server.started", f"listening on {url}", {"url": url})
    log.handle(record)
    if _shown is not None and _shown not in log.handlers:  # the program has handlers of its own
        _shown.handle(record)
