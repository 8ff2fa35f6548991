"""The two ways to serve: `run`, for a process of its own, and `serve`, inside an event loop."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import threading
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

from sock import telemetry
from sock.hosting.forwarded import DEFAULT as DEFAULT_PROXIES
from sock.observe import log
from sock.spec.application import lifespan_of
from sock.spec.lifespan import enter_lifespan

from . import systemd
from .address import TcpAddress, read_addresses
from .binding import bind_all, taken_over
from .blocked import report_if_blocked
from .certificates import Certificates, TLSError
from .ending import run_to_end
from .server import Server

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import FrameType

    from sock.spec import App, Options
    from sock.spec.application import Lifespan

    from .certificates import TLS
    from .supervisor.supervised import Supervised

    _Handler: TypeAlias = "Callable[[int, FrameType | None], Any] | int | None"

Loop: TypeAlias = Literal["auto", "asyncio", "uvloop"]
LogFormat: TypeAlias = Literal["text", "json"]

_STOP: Final = (signal.SIGINT, signal.SIGTERM)
_STOP_OF_WORKER: Final = (signal.SIGTERM,)


@asynccontextmanager
async def serve(
    app: App,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    bind: str | Sequence[str] = (),
    sockets: Sequence[socket.socket] = (),
    options: Options | None = None,
    lifespan: Lifespan | None = None,
    health: str | None = None,
    forwarded_allow_ips: str = DEFAULT_PROXIES,
    proxy_protocol: bool = False,
    root_path: str = "",
    tls: TLS | ssl.SSLContext | None = None,
    debug: bool | None = None,
) -> AsyncGenerator[Server]:
    """Serve an application inside the running event loop, until the `async with` is left.

    Leaving it drains. The lifespan is entered first and left after the drain, both in the task that
    has the `async with`.

    Args:
        app: from a request to an answer; a Sock class is one.
        host: a name or an address; "" for every interface.
        port: 0 for one that is free, then in `server.port`.
        bind: an address, or several, in place of a host and a port: "HOST:PORT", "[IPv6]:PORT",
            "unix:PATH", "unix:PATH,mode=660", "fd:NUMBER", "systemd" or "systemd:NAME".
        sockets: listening sockets that somebody else has bound, in place of all of these. They
            belong to the server from now on, which closes them.
        options: all limits, over those that the application carries; those of a handler's class and
            of an `Upgrade` are laid over them.
        lifespan: takes the place of the one that the application carries.
        health: the path on which the server itself answers 200, and 503 while it is stopping.
        forwarded_allow_ips: the addresses and networks of the proxies that are believed, with
            commas between; "unix" is a peer on a Unix socket, "*" is everybody, "" is nobody.
        proxy_protocol: whether connections from these proxies begin with a header of the PROXY
            protocol.
        root_path: the path under which a proxy shows the application; it is not in the paths that
            the proxy passes on.
        tls: the certificates, with which the server speaks TLS; or a context for it; None for plain
            TCP. `Server.reload_certificates` reads the files again.
        debug: whether to name callbacks that block the loop; None for whether the loop is in debug
            mode.

    Yields:
        The server, which accepts connections.

    Raises:
        OSError: an address cannot be bound; the text says which one, and why.
        TypeError: an argument, or an attribute of the application, has the wrong type; or it is an
            ASGI application.
        ValueError: the options contradict each other, `health` is no path, an address in `bind` is
            none, a socket does not listen, or a certificate or key cannot be used
            (`sock.server.TLSError`).
        Exception: whatever the lifespan raises. Then the server has not started.
    """
    if health is not None and not health.startswith("/"):
        raise ValueError(f"health is a path, which begins with '/', not {health!r}")
    addresses = read_addresses(bind) or [TcpAddress(host, port)]
    with log.subscribed():
        certificates = None if tls is None else Certificates(tls)
        server = Server(
            app,
            options=options,
            health=health,
            debug=debug,
            certificates=certificates,
            forwarded_allow_ips=forwarded_allow_ips,
            proxy_protocol=proxy_protocol,
            root_path=root_path,
        )
        async with enter_lifespan(lifespan_of(app) if lifespan is None else lifespan) as state:
            server.state = state
            server.start(taken_over(sockets) if sockets else await bind_all(addresses))
            try:
                yield server
            finally:
                await server.drain()


def run(
    app: App,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    bind: str | Sequence[str] = (),
    sockets: Sequence[socket.socket] = (),
    options: Options | None = None,
    lifespan: Lifespan | None = None,
    health: str | None = None,
    tls: TLS | ssl.SSLContext | None = None,
    loop: Loop = "auto",
    log_level: str = "info",
    log_format: LogFormat = "text",
    access_log: bool = False,
    log_query: bool = False,
    forwarded_allow_ips: str = DEFAULT_PROXIES,
    proxy_protocol: bool = False,
    root_path: str = "",
    debug: bool = False,
) -> None:
    """Serve an application until SIGINT or SIGTERM, which drain; a second one ends the process.

    It returns when the server has stopped, also where tasks or threads are left: a task that
    swallows its cancellation is abandoned after 2 seconds, and threads are waited for 1 second. The
    log names both.

    Args:
        app: from a request to an answer; a Sock class is one.
        host: a name or an address; "" for every interface.
        port: 0 for one that is free; a line on stderr names it.
        bind: an address, or several, in place of a host and a port: "HOST:PORT", "[IPv6]:PORT",
            "unix:PATH", "unix:PATH,mode=660", "fd:NUMBER", "systemd" or "systemd:NAME".
        sockets: listening sockets that somebody else has bound, in place of all of these. They
            belong to the server from now on, which closes them.
        options: all limits, over those that the application carries; those of a handler's class and
            of an `Upgrade` are laid over them.
        lifespan: takes the place of the one that the application carries.
        health: the path on which the server itself answers 200, and 503 while it is stopping.
        forwarded_allow_ips: the addresses and networks of the proxies that are believed, with
            commas between; "unix" is a peer on a Unix socket, "*" is everybody, "" is nobody.
        proxy_protocol: whether connections from these proxies begin with a header of the PROXY
            protocol.
        root_path: the path under which a proxy shows the application; it is not in the paths that
            the proxy passes on.
        tls: the certificates, with which the server speaks TLS; or a context for it; None for plain
            TCP. SIGHUP reads the files again.
        loop: "asyncio", "uvloop", or "auto" for uvloop when it is installed.
        log_level: the lowest level that is shown: debug, info, warning, error or critical.
        log_format: "text", or "json" for one object a line.
        access_log: whether to show a line for each answer and each connection's beginning and end.
        log_query: whether to show the values in query strings. They may be tokens.
        debug: whether to put the loop in debug mode and to name callbacks that block it.

    Raises:
        OSError: an address cannot be bound; the text says which one, and why.
        ImportError: `loop` is "uvloop", and it is not installed.
        TypeError: an argument, or an attribute of the application, has the wrong type; or it is an
            ASGI application.
        ValueError: an argument has none of the values that it may have, the options contradict each
            other, or a certificate or key cannot be used (`sock.server.TLSError`).
        RuntimeError: an event loop runs in this thread.
        Exception: whatever the lifespan raises.
    """
    run_made(
        lambda: nullcontext(app),
        host=host,
        port=port,
        bind=bind,
        sockets=sockets,
        forwarded_allow_ips=forwarded_allow_ips,
        proxy_protocol=proxy_protocol,
        root_path=root_path,
        options=options,
        lifespan=lifespan,
        health=health,
        tls=tls,
        loop=loop,
        log_level=log_level,
        log_format=log_format,
        access_log=access_log,
        log_query=log_query,
        debug=debug,
    )


def run_made(
    making: Callable[[], AbstractAsyncContextManager[App]],
    *,
    loop: Loop,
    log_level: str,
    log_format: LogFormat,
    access_log: bool,
    log_query: bool,
    debug: bool,
    supervised: Supervised | None = None,
    **served: Any,
) -> None:
    """Serve an application that is made in the event loop; the rest is as `run` does it.

    Args:
        making: returns an async context manager that yields the application. It is entered before
            everything else, and left after it.
        loop: as for `run`; so are the arguments below.
        log_level: as for `run`.
        log_format: as for `run`.
        access_log: as for `run`.
        log_query: as for `run`.
        debug: as for `run`.
        supervised: this process as a worker; its supervisor tells where the server listens.
        served: the arguments of `serve`.
    """
    if log_level not in log.LEVELS:
        raise ValueError(f"log_level is one of {', '.join(log.LEVELS)}, not {log_level!r}")
    if log_format not in {"text", "json"}:
        raise ValueError(f"log_format is text or json, not {log_format!r}")
    factory = _loop_factory(loop)
    if supervised is not None:
        served |= {"sockets": supervised.sockets, "bind": ()}
    with (
        log.on_stderr(log_level, log_format, access=access_log, query=log_query),
        log.subscribed(),
        _Signals(worker=supervised is not None) as signals,
    ):
        try:
            run_to_end(
                lambda: _serve_until_stopped(making, signals, supervised, debug=debug, **served),
                loop_factory=factory,
                debug=debug,
            )
        finally:
            if supervised is not None:
                supervised.ended()


async def _serve_until_stopped(
    making: Callable[[], AbstractAsyncContextManager[App]],
    signals: _Signals,
    supervised: Supervised | None,
    **served: Any,
) -> None:
    try:
        signals.begin()
        async with systemd.watched(), making() as app, serve(app, **served) as server:
            signals.started = True
            if supervised is None:
                log.announce(server.urls)
                systemd.tell_ready()
                with _renewing(server) if served.get("tls") is not None else nullcontext():
                    await signals.stop.wait()
                systemd.tell_stopping()
            else:
                bound = server.options.drain_timeout
                supervised.serving(lambda: server.live_connections, bound, server.share_limits)
                await signals.stop.wait()
                supervised.draining()
                await server.leave_listening()
    except asyncio.CancelledError:
        if not signals.cancelled:
            raise


@contextmanager
def _renewing(server: Server) -> Generator[None]:
    """Read the certificates again on SIGHUP, while this context is entered."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGHUP"):
        yield
        return
    loop = asyncio.get_running_loop()

    def renew() -> None:
        systemd.tell_reloading()
        try:
            server.reload_certificates()
        except TLSError as error:
            telemetry.emit("tls.unchanged", error=error)
        systemd.tell_ready()

    def receive(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(renew)

    before = signal.signal(signal.SIGHUP, receive)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


class _Signals:
    """SIGINT and SIGTERM, while this context is entered.

        the server    the first signal                             the second signal
        ------------  -------------------------------------------  ------------------------
        is starting   cancels the start, which is then undone      ends the process at once
        serves        begins the drain                             ends the process at once
        is a worker   the same                                     is ignored

    The handlers are Python's, not those of the loop: the second signal must work while an
    application blocks the loop. So the first one gives both signals back to the system.

    A worker follows SIGTERM alone. It may come from its supervisor and from systemd, which tells
    all processes of a service: so it is no second one. The supervisor can end a worker at once.

    Args:
        worker: whether this process has a supervisor.
    """

    def __init__(self, *, worker: bool = False) -> None:
        self._numbers = _STOP_OF_WORKER if worker else _STOP
        self._worker = worker
        self.stop = asyncio.Event()
        """Set when the first signal has come."""
        self.started = False
        self.cancelled = False
        """Whether a signal has cancelled the start."""
        self._received = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[int, _Handler] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: signal.signal(number, self._receive) for number in self._numbers
            }
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            if not self._worker:
                signal.signal(number, before)

    def begin(self) -> None:
        """Note the current task: it starts the server, and serves."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._received:  # a signal has come before the loop was running
            self._loop.call_soon(self._begin_stop)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        if not self._worker:
            for number in self._numbers:
                signal.signal(number, signal.SIG_DFL)
        elif self._received:
            return
        self._received = True
        report_if_blocked(self.stop.is_set, threading.get_ident())
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin_stop)

    def _begin_stop(self) -> None:
        self.stop.set()
        if not self.started and self._task is not None:
            self.cancelled = self._task.cancel()


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
