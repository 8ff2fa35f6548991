"""uvicorn as a host at native speed: `uvicorn --ws sock.adapters.uvicorn:SockProtocol app:app`.

    the application                        what becomes of the connection
    -------------------------------------  ---------------------------------------------------------
    answers with a Sock (`sock.asgi`, or   its socket is taken over: our wire, our reactor, all of
    `upgrade` in a route)                  the contract
    accepts in another way, or denies      it goes on in uvicorn's own implementation, which begins
                                           with the very request, and notices nothing
    is stopped                             its Socks finish what is under way and say 1012, before
                                           uvicorn goes on with its shutdown; who has not been
                                           answered yet gets a 503

An application finds out by the scope's extension "sock": so `sock.asgi(app)` needs no switch.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast, final
from urllib.parse import unquote

from sock.runtime import Reactor
from sock.runtime.takeover import Takeover, carry
from sock.spec import CloseCode, HandshakeError, Remote, Request, Upgrade

from .admission import EXTENSION
from .hosted import address_of, refused

try:
    import uvicorn
    from uvicorn.protocols.utils import ClientDisconnected
    from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("uvicorn is not installed: pip install 'sockpy[uvicorn]'") from error

from . import uvicorn_log  # behind the word of what is missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.runtime import Channel, Link

    from .event import Event, Receive, Scope, Send

__all__ = ["SockProtocol"]

_OLDEST: Final = (0, 54)
"""The one this was written with; much older ones take no protocol by its name from `--ws`."""

if tuple(int(part) for part in uvicorn.__version__.split(".")[:2]) < _OLDEST:  # pragma: no cover
    raise ImportError(
        f"uvicorn {uvicorn.__version__} is too old: pip install --upgrade 'sockpy[uvicorn]'"
    )

_log: Final = logging.getLogger("uvicorn.error")

_LAST_WORDS: Final = 1.0
"""Seconds of uvicorn's own bound on its shutdown that are left for the Close frames to leave in."""

_RELOADING: Final = 1.0
"""Seconds that are enough for what is under way when a developer waits for `--reload`."""

_READ_AHEAD: Final = 65536
"""Bytes kept of a peer that sends before it was answered. Less is read only to hear it go."""

_HOSTS: Final = frozenset((b"upgrade", b"connection", b"content-length", b"transfer-encoding"))
"""Headers of a 101 that are the host's to say, whoever adds them on the way."""


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
        self._app_state = app_state
        self._transport: asyncio.Transport = cast("Any", None)
        self._head = b""
        self._early = b""
        self._takeover: Takeover | None = None
        self._own: _Own | None = None  # uvicorn's protocol, where it is its connection
        self._heir: asyncio.Protocol | None = None  # the same, where it has had the request
        self._accepted = False
        self._decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when it is known whose connection this is, or that it is nobody's."""
        self._drain_timeout: float | None = None  # the host's, once it is known
        self._run_own: Callable[[_Own], Any] = _never

    # What uvicorn tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of what came behind the head: who reads it is not decided yet."""
        self._transport = cast("asyncio.Transport", transport)
        self._early = _behind_the_head(self._transport.get_protocol())
        self._state.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Take the head of the request, once, and ask the application; keep what follows."""
        if self._head:
            self._early += data
            if len(self._early) > _READ_AHEAD:
                self._transport.pause_reading()
            return
        self._head = data
        request = _request(data, self._transport)
        self._takeover = Takeover(Reactor.of(asyncio.get_running_loop()), request, self._carry)
        try:
            self._takeover.check()
        except HandshakeError:
            # Its answer is in the application's words, if uvicorn has none of its own.
            self._begin_own(self._with_extension)
            return
        scope = self._scope(request)
        task = asyncio.get_running_loop().create_task(self._ask(scope))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the peer has gone before it was accepted."""
        if self._heir is not None:  # it has refused at once, before the transport was its own
            self._heir.connection_lost(exc)
        if self._takeover is not None:
            self._takeover.lost()
        self._decide()
        self._leave()

    def eof_received(self) -> None:
        """Let the transport close: nobody ends what it has not begun."""

    def shutdown(self) -> None:
        """Drain, as uvicorn stops: it waits until this has left its connections."""
        link = None if self._takeover is None else self._takeover.link
        if link is None:
            self._answer(503)
            return
        bound = _smaller(self._drain_timeout, self._config.timeout_graceful_shutdown)
        seconds = None if bound is None else max(0.0, bound - _LAST_WORDS)
        link.shutdown(_smaller(seconds, _RELOADING) if self._config.reload else seconds)

    # The application.

    def _scope(self, request: Request) -> Scope:
        path, _, query = request.target.partition("?")
        root = self._config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": request.http_version,
            "scheme": "wss" if request.scheme == "https" else "ws",
            "server": request.server,
            "client": request.client,
            "root_path": root,
            "path": root + unquote(path),
            "raw_path": (root + path).encode("ascii"),
            "query_string": query.encode("ascii"),
            "headers": [(name.lower(), value) for name, value in request.raw_headers],
            "subprotocols": request.subprotocols,
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}, EXTENSION: self._takeover},
        }

    async def _ask(self, scope: Scope) -> None:
        own: _Own | None = None
        connected = False

        async def receive() -> Event:
            nonlocal connected
            if not connected:
                connected = True
                return {"type": "websocket.connect"}
            # Some ask for the next event before they have said whether they accept.
            await asyncio.shield(self._decided)
            if own is not None:
                return await own.receive()
            assert self._takeover is not None, "made with the scope"
            await asyncio.shield(self._takeover.over)
            return _disconnect(self._takeover.link)

        def send(event: Event) -> Any:  # no coroutine: uvicorn's own is one already
            return self._send(event, scope) if own is None else own.send(event)

        async def run(inner: _Own) -> None:
            """Be the application of uvicorn's own protocol: what has begun goes on as that."""
            nonlocal own
            own = inner
            inner.ready.set_result(None)
            self._decide()
            await inner.outcome

        self._run_own = run
        try:
            await self._config.loaded_app(scope, receive, send)
        except BaseException as error:
            if self._own is not None:
                _settle(self._own.outcome, error)
            elif self._accepted or not self._begin_own(_raising(error)):
                # Behind the end of its Sock, or with a peer that has gone meanwhile: no news to it.
                _report(error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
        else:
            if self._own is not None:
                _settle(self._own.outcome, None)
            elif not self._accepted:
                self._begin_own(_returning)

    async def _send(self, event: Event, scope: Scope) -> None:
        """Take the first word of an application: it decides whose connection this is.

        Raises:
            ClientDisconnected: there is nobody to say it to.
        """
        takeover = self._takeover
        assert takeover is not None, "made with the scope"
        if self._accepted:
            if event["type"] == "websocket.close":  # Quart says it behind every route
                return
            raise RuntimeError(f"{event['type']!r} to a connection that was taken over")
        if self._own is None:
            if self._transport.is_closing():
                raise ClientDisconnected
            if takeover.plan is not None and event["type"] == "websocket.accept":
                self._begin(takeover, event)
                uvicorn_log.accepted(scope)
                return
            own = _Own(self._run_own)
            if not self._begin_own(own.run):
                raise ClientDisconnected
            self._own = own
        await self._own.ready
        await self._own.send(event)

    # The ways on.

    def _begin(self, takeover: Takeover, event: Event) -> None:
        """Take the socket over; whatever forbids that is answered, and raised."""
        assert takeover.plan is not None, "asked by whoever calls this"
        upgrade, base = takeover.plan
        self._drain_timeout = base.drain_timeout
        try:
            takeover.begin(_merged(upgrade, event, self._state.default_headers), base)
        except HandshakeError as refusal:  # such as a drain that has begun meanwhile
            self._answer(refused(takeover.shown, refusal).status)
            raise ClientDisconnected from refusal
        except Exception:
            self._answer(500)
            raise
        self._accepted = True
        self._decide()
        takeover.over.add_done_callback(lambda _: self._leave())

    def _answer(self, status: int) -> None:
        """Say the last word, where nobody else is there to say it."""
        self._leave()
        if self._transport.is_closing():
            return
        phrase = HTTPStatus(status).phrase
        head = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: text/plain\r\n"
        self._transport.write(f"{head}Content-Length: {len(phrase) + 1}\r\n\r\n{phrase}\n".encode())
        self._transport.close()

    def _carry(self, connect: Callable[[Channel], Link]) -> bytes:
        self._transport.pause_reading()
        carry(Reactor.of(asyncio.get_running_loop()), self._transport, connect)
        return self._early

    def _begin_own(self, app: Callable[[Scope, Receive, Send], Any]) -> bool:
        """Let uvicorn's own implementation go on, from the request on, with this application.

        Returns:
            Whether it does: not where the peer has gone, or was answered.
        """
        transport = self._transport
        self._leave()
        if transport.is_closing():
            return False
        if AutoWebSocketsProtocol is None:
            _log.error(
                "uvicorn has no WebSockets of its own for what is no Sock, or refuses:"
                " pip install 'sockpy[uvicorn]', which brings them"
            )
            self._answer(500)
            return False
        own: Any = cast("Any", AutoWebSocketsProtocol)(
            config=self._config, server_state=self._state, app_state=self._app_state
        )
        own.app = app
        uvicorn_log.follow(own, self._takeover)
        own.connection_made(transport)
        self._heir = own
        own.data_received(self._head)
        # uvicorn is about to set this one as the transport's, if it has not.
        asyncio.get_running_loop().call_soon(self._hand_over, own)
        return not transport.is_closing()  # it may have found fault with the handshake

    def _hand_over(self, own: asyncio.Protocol) -> None:
        transport = self._transport
        if transport.get_protocol() is self:
            transport.set_protocol(own)
        if transport.is_closing():
            return
        transport.resume_reading()  # first: it may stop that with the first message
        if self._early:
            own.data_received(self._early)

    async def _with_extension(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the application about a handshake that is no valid one, by our lights."""
        scope["extensions"][EXTENSION] = self._takeover
        await self._config.loaded_app(scope, receive, send)

    def _decide(self) -> None:
        if not self._decided.done():
            self._decided.set_result(None)

    def _leave(self) -> None:
        self._state.connections.discard(self)


@final
class _Own:
    """The application's side of uvicorn's own protocol, joined to one that has begun already."""

    def __init__(self, running: Callable[[_Own], Any]) -> None:
        loop = asyncio.get_running_loop()
        self._running = running
        self.ready: asyncio.Future[None] = loop.create_future()
        self.outcome: asyncio.Future[None] = loop.create_future()
        self.receive: Receive
        self.send: Send

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - it has its scope
        """Be its application."""
        await receive()  # the connect, which the application has had
        self.receive, self.send = receive, send
        await self._running(self)


async def _never(_: _Own) -> None:
    """Stand for the application that runs, before it does."""


def _raising(error: BaseException) -> Callable[[Scope, Receive, Send], Any]:
    """Return an application that raises this, for uvicorn to log and answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - it raises whatever it gets
        raise error

    return app


async def _returning(scope: Scope, receive: Receive, send: Send) -> None:
    """Return without an answer, for uvicorn to complain of."""


def _settle(outcome: asyncio.Future[None], error: BaseException | None) -> None:
    if outcome.done():
        return
    if error is None:
        outcome.set_result(None)
    elif isinstance(error, asyncio.CancelledError):
        outcome.cancel()
    else:
        outcome.set_exception(error)


def _request(head: bytes, transport: asyncio.Transport) -> Request:
    """Return the request that uvicorn has read, and written down again."""
    line, *fields = head.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    method, target, version = line.split(b" ", 2)
    pairs = (field.partition(b":") for field in fields)
    return Request(
        method.decode("ascii"),
        target.decode("latin-1"),
        [(name, value.strip(b" \t")) for name, _, value in pairs],
        http_version=version.decode("ascii").removeprefix("HTTP/"),
        scheme="http" if transport.get_extra_info("sslcontext") is None else "https",
        client=address_of(transport.get_extra_info("peername")),
        server=address_of(transport.get_extra_info("sockname")),
    )


def _disconnect(link: Link | None) -> Event:
    """Return the end of a connection as an application is told it."""
    cause = None if link is None else link.lifecycle.cause
    code: int | None = CloseCode.ABNORMAL_CLOSURE
    detail = ""
    if cause is not None:
        # What the peer has said goes before what it was answered.
        told = cause.reason if isinstance(cause.reason, Remote) else cause
        code, detail = told.code, told.detail
    code = CloseCode.NO_STATUS_RCVD if code is None else code
    return {"type": "websocket.disconnect", "code": int(code), "reason": detail}


def _report(error: BaseException) -> None:
    """Log what an application has raised, but for its peer's end, or its server's."""
    ends = (asyncio.CancelledError, ConnectionError, ClientDisconnected)
    # Starlette says it in words of its own.
    if not isinstance(error, ends) and not isinstance(error.__context__, ClientDisconnected):
        _log.error("Exception in ASGI application\n", exc_info=error)


def _merged(upgrade: Upgrade, event: Event, defaults: list[tuple[bytes, bytes]]) -> Upgrade:
    """Return the answer with uvicorn's headers, and as it has come through the middleware."""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in (*defaults, *(event.get("headers") or ()))
        if name.lower() not in _HOSTS and not name.lower().startswith(b"sec-websocket-")
    ]
    return Upgrade(
        upgrade.handler,
        subprotocol=event.get("subprotocol"),
        headers=headers,
        options=upgrade.options,
    )


def _behind_the_head(reader: Any) -> bytes:
    """Return what uvicorn has read behind the request, and would forget.

    Its h11 protocol keeps it; its httptools protocol is, at this moment, handling the exception
    that says where it begins in the data at hand.
    """
    error = sys.exception()
    frame = None if error is None or error.__traceback__ is None else error.__traceback__.tb_frame
    if type(error).__name__ == "HttpParserUpgrade" and frame is not None:
        data: Any = frame.f_locals.get("data", b"")
        offset: Any = error.args[0] if error is not None and error.args else len(data)
        return bytes(data[offset:])
    trailing: Any = getattr(getattr(reader, "conn", None), "trailing_data", None)
    return bytes(trailing[0]) if trailing else b""


def _smaller(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)
