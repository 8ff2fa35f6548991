"""uvicorn as a host at native speed: `uvicorn --ws sock.adapters.uvicorn:SockProtocol app:app`.

uvicorn's own implementation reads the request and runs the application, on every connection. What
the application sends passes by here, up to the first word that decides:

    the application                        what becomes of the connection
    -------------------------------------  ---------------------------------------------------------
    accepts with a Sock (`sock.asgi`, or   its socket is taken over: our wire, our reactor, all of
    `upgrade` in a route)                  the contract; uvicorn's own implementation is told that
                                           the connection is lost
    accepts in another way, or denies      uvicorn's own implementation goes on as if nobody had
                                           listened
    raises `Refuse`                        it is answered with that
    is stopped                             its Socks finish what is under way and say 1012, before
                                           uvicorn goes on with its shutdown; who has not been
                                           answered yet gets a 503

What is no valid opening handshake is answered before the application is asked: by us, where the
specification says with what status [S14.1], and by uvicorn's own implementation, where that is
stricter. An application finds out by the scope's extension "sock": so `sock.asgi(app)` needs no
switch.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast, final

from sock.engine.phase import Phase
from sock.hosting.takeover import Takeover, take_from_transport
from sock.loop import Reactor
from sock.observe import log
from sock.spec import CloseCode, HandshakeError, Refuse, Remote, Response, Upgrade
from sock.spec.request import text_of
from sock.wire import handshake

from .admission import DENIAL, EXTENSION
from .event import answer
from .hosted import body_of, headers_of, refused
from .uvicorn_head import behind_the_head, origin_form, request_of, version_of

try:
    import uvicorn
    from uvicorn.protocols.utils import ClientDisconnected
    from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("uvicorn is not installed: pip install 'sockpy[uvicorn]'") from error

from . import uvicorn_log  # behind the word of what is missing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sock.engine import Cause
    from sock.live import Link
    from sock.loop import Pipe

    from .event import Event, Receive, Scope, Send

__all__ = ["SockProtocol"]

_OLDEST: Final = (0, 54)
"""The one this was written with; much older ones take no protocol by its name from `--ws`."""

if tuple(int(part) for part in uvicorn.__version__.split(".")[:2]) < _OLDEST:  # pragma: no cover
    raise ImportError(
        f"uvicorn {uvicorn.__version__} is too old: pip install --upgrade 'sockpy[uvicorn]'"
    )
if AutoWebSocketsProtocol is None:  # pragma: no cover - told by a subprocess
    raise ImportError(
        "uvicorn has no WebSockets of its own, which its other applications are served with:"
        " pip install 'sockpy[uvicorn]', which brings them"
    )

_log: Final = logging.getLogger("uvicorn.error")

_LAST_WORDS: Final = 1.0
"""Seconds of the bound on a shutdown that are left for the Close frames, a quarter at most."""

_BOUNDS: Final = 3
"""Bounds between a connection that is told to end and its end: the callbacks', their cancellation's
and that of `terminate`."""

_RELOADING: Final = 1.0
"""Seconds that are enough for what is under way when a developer waits for `--reload`."""

_READ_AHEAD: Final = 65536
"""Bytes kept of a peer that sends before it was answered. Less is read only to hear it go."""

_HOSTS: Final = frozenset((b"upgrade", b"connection", b"content-length", b"transfer-encoding"))
"""Headers of a 101 that are the host's to say, whoever adds them on the way."""

_OF_NO_USE: Final = frozenset(
    ("buffer", "conn", "frames", "queue", "request", "response", "writable")
)
"""What uvicorn's own implementation needs for a live connection: 10 kB of each, idle."""

_ACCEPTED: Final = (
    "the WebSocket was accepted already, by the route or a middleware: upgrade and sock.asgi do"
    " that themselves"
)
_REFUSED: Final = "the WebSocket was refused by a middleware, before a Sock could accept it"


@final
class SockProtocol(asyncio.Protocol):
    """One connection that asks to upgrade, as uvicorn makes them.

    Args:
        config: uvicorn's.
        server_state: the connections and tasks that its shutdown waits for.
        app_state: of the lifespan.
        _loop: which runs; uvicorn's own argument, unused since it is running.
    """

    def __init__(
        self,
        config: Any,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._state = server_state
        self._transport: asyncio.Transport = cast("Any", None)
        self._version = "1.1"
        self._behind = b""
        self._early: bytes | None = None  # None before the head has come
        self._own: Any = cast("Any", AutoWebSocketsProtocol)(
            config=config, server_state=server_state, app_state=app_state
        )
        self._own.app = self._run
        self._takeover: Takeover | None = None
        self._decided = False  # by a first word that uvicorn's own implementation has sent
        self._taken = False  # by a Sock
        self._drain_timeout: float | None = None  # the host's, once it is known

    # What uvicorn tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of what came behind the head: who reads it is not decided yet."""
        self._transport = cast("asyncio.Transport", transport)
        reader = self._transport.get_protocol()
        self._behind = behind_the_head(reader)
        self._version = version_of(reader)
        self._state.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Take the head of the request, once, and have the application asked; keep what follows."""
        if self._early is not None:
            self._early += data
            if len(self._early) > _READ_AHEAD:
                self._transport.pause_reading()
            return
        self._early, self._behind = self._behind, b""
        request = request_of(data, self._version, self._transport)
        try:
            head = origin_form(data)
            request = request_of(head, self._version, self._transport)
            handshake.check(request)
            self._takeover = Takeover(Reactor.of(asyncio.get_running_loop()), request, self._carry)
            self._begin_own(head)
        except HandshakeError as refusal:
            log.attach()
            self._answer(refused(request, refusal))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the peer has gone, or was refused."""
        if self._takeover is not None:
            self._takeover.lost()
            self._lose_own(exc)
        self._leave()

    def eof_received(self) -> None:
        """Let the transport close: nobody ends what it has not begun."""

    def shutdown(self) -> None:
        """Drain, as uvicorn stops: it waits until this has left its connections."""
        link = None if self._takeover is None else self._takeover.link
        if link is None:
            self._answer(Response(503, "the server is stopping\n", {"Retry-After": "1"}))
            return
        bound = _smaller(self._drain_timeout, self._config.timeout_graceful_shutdown)
        if self._config.reload:
            bound = _smaller(bound, _RELOADING)
        if bound is None:
            link.shutdown(None)
            return
        last_words = min(_LAST_WORDS, bound / 4)
        link.shutdown(bound - last_words)
        loop = asyncio.get_running_loop()
        timers = (
            loop.call_later(bound - last_words / 2, _give_up, link),
            loop.call_later(bound, _cut, link),
        )
        assert self._takeover is not None, "as it has a link"
        self._takeover.over.add_done_callback(lambda _: _cancel(timers))

    # The application, as uvicorn's own implementation runs it.

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> Any:
        """Be the application of uvicorn's own implementation: ask the real one, and listen in."""
        takeover = self._takeover
        assert takeover is not None, "made before"
        scope["extensions"][EXTENSION] = takeover
        self._own.app = None  # nothing here refers to itself: what is over is freed at once

        async def received() -> Event:
            event = None if self._taken else await receive()
            if event is None or self._taken:  # meanwhile, while it waited
                await asyncio.shield(takeover.over)
                return _disconnect(takeover.cause)
            return event

        def said(event: Event) -> Awaitable[None]:  # no coroutine: uvicorn's own is one already
            return send(event) if self._decided else self._say(takeover, scope, event, send)

        try:
            returned = await self._config.loaded_app(scope, received, said)
        except Refuse as refusal:
            if self._decided or self._taken:
                raise
            await self._deny(takeover, refusal, scope, send)
            raise ClientDisconnected from refusal  # which uvicorn takes for an end without news
        except BaseException as error:
            # Behind the end of its Sock, or to a peer that was told 503: no news to anybody.
            if _is_an_end(error) if self._taken else self._is_too_late():
                raise ClientDisconnected from error
            raise
        if returned is None and self._transport.is_closing():
            raise ClientDisconnected  # uvicorn complains of whoever has denied, and returns
        return returned

    async def _say(self, takeover: Takeover, scope: Scope, event: Event, send: Send) -> None:
        """Pass on what an application sends, until its first word: that decides who goes on.

        Raises:
            ClientDisconnected: there is nobody to say it to.
        """
        kind = event["type"]
        if self._taken:
            if kind == "websocket.close":  # Quart says it behind every route
                return
            raise RuntimeError(f"{kind!r} to a connection that was taken over")
        if self._transport.is_closing():
            raise ClientDisconnected
        if kind == "websocket.accept" and takeover.intended is not None:
            await self._begin(takeover, scope, event, send)
            return
        await send(event)
        if kind == "websocket.accept":
            self._decide(takeover, _ACCEPTED)
            self._hand_over()
        elif kind in {"websocket.close", f"{DENIAL}.start"}:
            self._decide(takeover, _REFUSED)

    # The ways on.

    def _begin_own(self, head: bytes) -> None:
        """Have uvicorn's own implementation read the request, and run the application.

        Raises:
            HandshakeError: it does not, and has not answered either.
        """
        own, running = self._own, len(self._state.tasks)
        uvicorn_log.follow(own, self._takeover)
        own.connection_made(self._transport)
        try:
            own.data_received(head)
        except Exception as error:
            raise _not_begun() from error
        finally:
            self._state.connections.discard(own)  # the connection is ours, until it is decided
        if len(self._state.tasks) == running and not self._transport.is_closing():
            raise _not_begun()

    def _lose_own(self, exc: Exception | None) -> None:
        """Tell uvicorn's own implementation that its connection is lost."""
        self._state.connections.add(self._own)  # from where it takes itself away
        self._own.connection_lost(exc)

    async def _begin(self, takeover: Takeover, scope: Scope, event: Event, send: Send) -> None:
        """Take the socket over; whatever forbids that is answered, and raised."""
        assert takeover.intended is not None, "asked by whoever calls this"
        upgrade, base = takeover.intended
        self._drain_timeout = base.drain_timeout
        try:
            takeover.begin(_merged(upgrade, event, self._state.default_headers), base)
        except HandshakeError as refusal:  # such as a drain that has begun meanwhile
            await self._deny(takeover, refusal, scope, send)
            raise ClientDisconnected from refusal
        self._taken = True
        self._own.transport = _NoTransport()
        self._lose_own(ConnectionResetError("taken over by a Sock"))
        of_no_use: Any = self._own  # uvicorn's task has it for as long as the route runs
        for name in _OF_NO_USE:
            if hasattr(of_no_use, name):
                setattr(of_no_use, name, None)
        self._own = None
        takeover.over.add_done_callback(lambda _: self._leave())
        uvicorn_log.accepted(scope)
        _tell_settings(self._config)

    async def _deny(
        self, takeover: Takeover, refusal: Refuse | HandshakeError, scope: Scope, send: Send
    ) -> None:
        """Answer with a refusal, by uvicorn's own implementation."""
        log.attach()
        response = refused(takeover.seen_request, refusal)
        takeover.refusal_reported = True
        self._decide(takeover, _REFUSED)
        await answer(response, scope, send)

    def _decide(self, takeover: Takeover, how: str) -> None:
        """Leave the connection to uvicorn's own implementation, which has answered."""
        self._decided = True
        takeover.answered_by_server(how)
        self._leave()
        self._state.connections.add(self._own)

    def _hand_over(self) -> None:
        """Let uvicorn's own implementation read, what has come already first."""
        self._takeover = None  # it hears of the end by itself now
        early, self._early = self._early, b""
        self._transport.set_protocol(self._own)
        self._transport.resume_reading()  # first: it may stop that with the first message
        if early:
            self._own.data_received(early)

    def _answer(self, response: Response) -> None:
        """Say the last word, where nobody else is there to say it."""
        self._leave()
        if self._transport.is_closing():
            return
        body = body_of(response)
        fields = [
            *headers_of(response),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        phrase = HTTPStatus(response.status).phrase
        lines = [f"HTTP/1.1 {response.status} {phrase}", *(f"{name}: {it}" for name, it in fields)]
        self._transport.write("\r\n".join((*lines, "", "")).encode() + body)
        self._transport.close()

    def _carry(self, connect: Callable[[Pipe], Link]) -> bytes:
        self._transport.pause_reading()
        take_from_transport(Reactor.of(asyncio.get_running_loop()), self._transport, connect)
        early, self._early = self._early, b""
        return early or b""

    def _is_too_late(self) -> bool:
        """Tell whether the peer has gone, or was answered, while the application was thinking."""
        return not self._decided and not self._taken and self._transport.is_closing()

    def _leave(self) -> None:
        self._state.connections.discard(self)


@final
class _NoTransport:
    """What uvicorn's own implementation has in place of a socket that was taken over."""

    def is_closing(self) -> bool:
        """Tell that it is over."""
        return True

    def close(self) -> None:
        """Do nothing: the socket is a Sock's."""

    pause_reading = resume_reading = close


def _cancel(timers: tuple[asyncio.TimerHandle, ...]) -> None:
    for timer in timers:
        timer.cancel()


def _give_up(link: Link) -> None:
    """Wait no longer for a callback that ignores that it was cancelled: `terminate` needs time."""
    if link.lifecycle.phase is Phase.ENDING:
        link.lifecycle.alarmed()


def _cut(link: Link) -> None:
    """End, whatever is under way: uvicorn's time is up."""
    link.abort()
    for _ in range(_BOUNDS):
        link.lifecycle.alarmed()


def _not_begun() -> HandshakeError:
    """Return the refusal of a head that uvicorn's own implementation does not understand."""
    return HandshakeError(400, "uvicorn's WebSockets refuse this head, such as for its size")


def _disconnect(cause: Cause | None) -> Event:
    """Return the end of a connection as an application is told it."""
    code: int | None = CloseCode.ABNORMAL_CLOSURE
    detail = ""
    if cause is not None:
        # What the peer has said goes before what it was answered.
        told = cause.reason if isinstance(cause.reason, Remote) else cause
        code, detail = told.code, told.detail
    code = CloseCode.NO_STATUS_RCVD if code is None else code
    return {"type": "websocket.disconnect", "code": int(code), "reason": detail}


def _is_an_end(error: BaseException) -> bool:
    """Tell whether an application has raised its peer's end, or its server's."""
    ends = (asyncio.CancelledError, ConnectionError, ClientDisconnected)
    # Starlette says it in words of its own.
    return isinstance(error, ends) or isinstance(error.__context__, ClientDisconnected)


def _merged(upgrade: Upgrade, event: Event, defaults: list[tuple[bytes, bytes]]) -> Upgrade:
    """Return the answer with uvicorn's headers, and as it has come through the middleware."""
    headers = [
        (name.decode("latin-1"), text_of(value))
        for name, value in (*defaults, *(event.get("headers") or ()))
        if name.lower() not in _HOSTS and not name.lower().startswith(b"sec-websocket-")
    ]
    return Upgrade(
        upgrade.handler,
        subprotocol=event.get("subprotocol"),
        headers=headers,
        options=upgrade.options,
    )


_SETTINGS: Final = {
    "ws_max_size": "max_message_size",
    "ws_max_queue": "max_read_ahead",
    "ws_ping_interval": "ping_interval",
    "ws_ping_timeout": "idle_timeout",
    "ws_per_message_deflate": "compression",
}
"""uvicorn's settings of its own WebSockets, and the options of a Sock that are about the same."""

_told: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
"""Configurations of uvicorn's that were told of."""


def _tell_settings(config: Any) -> None:
    """Tell, once, which settings somebody has made in vain, as far as Socks go."""
    if config in _told:
        return
    _told.add(config)
    usual = inspect.signature(uvicorn.Config).parameters
    for name, option in _SETTINGS.items():
        if name in usual and getattr(config, name, usual[name].default) != usual[name].default:
            _log.warning(
                "uvicorn's --%s is for its own WebSockets; a Sock has Options(%s=...)",
                name.replace("_", "-"),
                option,
            )


def _smaller(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)
