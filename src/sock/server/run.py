"""The two ways to serve: `run`, for a process of its own, and `serve`, inside an event loop."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sock.observe import log

from .server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from types import FrameType

    from sock.spec import App, Options

    _Handler: TypeAlias = "Callable[[int, FrameType | None], Any] | int | None"

Loop: TypeAlias = Literal["auto", "asyncio", "uvloop"]
LogFormat: TypeAlias = Literal["text", "json"]

_STOP: Final = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def serve(
    app: App,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    options: Options | None = None,
    debug: bool | None = None,
) -> AsyncGenerator[Server]:
    """Serve an application inside the running event loop; leaving drains.

    Args:
        app: from a request to an answer; a Sock class is one.
        host: a name or an address; "" for every interface.
        port: 0 for one that is free, then in `server.port`.
        options: all limits; what an `Upgrade` gives is laid over them.
        debug: whether to name callbacks that block the loop; None for whether the loop is in debug
            mode.

    Yields:
        The server, which accepts connections.

    Raises:
        OSError: the host is not known, or the port cannot be bound.
    """
    with log.logged():
        server = Server(app, options=options, debug=debug)
        await server.start(host, port)
        try:
            yield server
        finally:
            await server.drain()


def run(
    app: App,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    options: Options | None = None,
    loop: Loop = "auto",
    log_level: str = "info",
    log_format: LogFormat = "text",
    access_log: bool = False,
    log_query: bool = False,
    debug: bool = False,
) -> None:
    """Serve an application until SIGINT or SIGTERM, which drain; a second one ends the process.

    Args:
        app: from a request to an answer; a Sock class is one.
        host: a name or an address; "" for every interface.
        port: 0 for one that is free; the line that says so is on stderr.
        options: all limits; what an `Upgrade` gives is laid over them.
        loop: "asyncio", "uvloop", or "auto" for uvloop when it is installed.
        log_level: the lowest that is shown: debug, info, warning, error or critical.
        log_format: "text", or "json" for one object a line.
        access_log: whether to show a line for each answer and each connection's beginning and end.
        log_query: whether to show the values in query strings, which may have tokens among them.
        debug: whether to put the loop in debug mode and to name callbacks that block it.

    Raises:
        OSError: the host is not known, or the port cannot be bound.
        ImportError: `loop` is "uvloop", and it is not installed.
        ValueError: an argument is none of the words it may be.
    """
    if log_level not in log.LEVELS:
        raise ValueError(f"log_level is one of {', '.join(log.LEVELS)}, not {log_level!r}")
    if log_format not in {"text", "json"}:
        raise ValueError(f"log_format is text or json, not {log_format!r}")
    factory = _loop_factory(loop)
    with (
        log.shown(log_level, log_format, access=access_log, query=log_query),
        asyncio.Runner(debug=debug or None, loop_factory=factory) as runner,
    ):
        runner.run(_serve_until_stopped(app, host, port, options, debug=debug))


async def _serve_until_stopped(
    app: App, host: str, port: int, options: Options | None, *, debug: bool
) -> None:
    stop = asyncio.Event()
    with _Signals(stop):
        async with serve(app, host=host, port=port, options=options, debug=debug) as server:
            log.announce(server.url)
            await stop.wait()


class _Signals:
    """SIGINT and SIGTERM, inside: the first sets the event, the second ends the process at once.

    Handlers of Python's own, not of the loop: the second signal must work while an application
    blocks the loop, so the first one gives both back to the system.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._before: dict[int, _Handler] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in _STOP}

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        for number in _STOP:
            signal.signal(number, signal.SIG_DFL)
        self._loop.call_soon_threadsafe(self._stop.set)


def _loop_factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if loop not in {"auto", "asyncio", "uvloop"}:
        raise ValueError(f"loop is auto, asyncio or uvloop, not {loop!r}")
    if loop == "asyncio" or (loop == "auto" and importlib.util.find_spec("uvloop") is None):
        return asyncio.SelectorEventLoop if hasattr(asyncio, "SelectorEventLoop") else None
    try:
        import uvloop
    except ImportError as error:
        raise ImportError("uvloop is not installed: pip install 'sockpy[uvloop]'") from error
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
