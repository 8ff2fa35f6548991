"""The protocol that uvicorn makes for each connection that asks to upgrade.

uvicorn's built-in protocol (`builtin.py`) reads the request and runs the application, on every
connection. The events that the application sends pass through here, up to the first one that
decides who goes on with the connection:

    the application                        what becomes of the connection
    -------------------------------------  ---------------------------------------------------------
    accepts with a Sock (`sock.asgi`, or   its socket is taken over: our wire, our reactor, the
    `upgrade` in a route)                  whole contract; the built-in protocol is told that the
                                           connection is lost
    accepts in another way, or denies      the built-in protocol goes on as if ours were not there
    raises `Refuse`                        the response of the Refuse is sent
    runs, when uvicorn stops               its Socks finish the work under way and send 1012 before
                                           uvicorn goes on with its shutdown; a peer that was not
                                           answered yet gets a 503

An invalid opening handshake is answered before the application is asked: by us, where the
specification says with which status [S14.1], and by the built-in protocol, where that is stricter.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast, final

from uvicorn.protocols.utils import ClientDisconnected

from sock.adapters.asgi.event import disconnect_event, send_response
from sock.adapters.asgi.extension import RESPONSE_EXTENSION, TAKEOVER_EXTENSION
from sock.hosting.asking import refused, response_to, stopping
from sock.hosting.takeover import Takeover, take_from_transport
from sock.loop import Reactor
from sock.observe.log import attach
from sock.spec import HandshakeError, Options, Refuse, Response, Upgrade
from sock.spec.request import text_of
from sock.wire import handshake

from . import log, settings
from .builtin import BuiltinProtocol
from .head import (
    behind_the_head,
    bytes_of,
    origin_form,
    request_of,
    version_of,
    with_one_upgrade,
)
from .shutdown import RELOAD_TIMEOUT, shut_down, smaller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sock.adapters.asgi.event import Event, Receive, Scope, Send
    from sock.loop import Pipe, Receiver

_MAX_EARLY: Final = 65536
"""Bytes that are kept of a peer that sends before it is answered; then reading pauses."""

_HOST_HEADERS: Final = frozenset(
    (b"upgrade", b"connection", b"content-length", b"transfer-encoding")
)
"""Headers of a 101 that only the host may set: they are left out where a middleware adds them."""

_ACCEPTED: Final = (
    "the WebSocket was accepted already, by the route or a middleware: upgrade and sock.asgi do"
    " that themselves"
)
_REFUSED: Final = "the WebSocket was refused by a middleware, before a Sock could accept it"


@final
class SockProtocol(asyncio.Protocol):
    """One connection that asks to upgrade. uvicorn makes one for each.

    Args:
        config: uvicorn's configuration.
        server_state: uvicorn's, with the connections and tasks that its shutdown waits for.
        app_state: the state of the lifespan.
        _loop: the event loop; an argument of uvicorn's that is not needed, as the loop is running.
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
        self._behind_head = b""
        self._early: bytes | None = None  # None until the head has come
        self._builtin: BuiltinProtocol = BuiltinProtocol(
            config, server_state, app_state, self._run_application
        )
        self._takeover: Takeover | None = None
        self._left_to_builtin = False
        self._taken_over = False
        self._options = Options()  # the host's, once they are known

    # Called by uvicorn.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the bytes behind the head: it is not decided yet who reads them."""
        self._transport = cast("asyncio.Transport", transport)
        reader = self._transport.get_protocol()
        self._behind_head = behind_the_head(reader)
        self._version = version_of(reader)
        self._state.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Take the head of the request, and have the application asked; keep all later bytes."""
        if self._early is not None:
            self._early += data
            if len(self._early) > _MAX_EARLY:
                self._transport.pause_reading()
            return
        self._early, self._behind_head = self._behind_head, b""
        request = request_of(data, self._version, self._transport)
        try:
            handshake.check(request)  # as it came: a target in absolute form stands for no Host
            head = origin_form(data)
            request = request_of(head, self._version, self._transport)
            reactor = Reactor.of(asyncio.get_running_loop())
            self._takeover = Takeover(reactor, request, self._give_socket)
            self._builtin.start(self._transport, with_one_upgrade(head), self._takeover)
        except HandshakeError as refusal:
            attach()
            self._write_response(refused(request, refusal))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection has ended: the peer has left, or was refused."""
        if self._takeover is not None:
            self._takeover.lost()
            self._builtin.lose(exc)
        self._leave_connections()

    def eof_received(self) -> None:
        """Let the transport close, as no connection has begun."""

    def shutdown(self) -> None:
        """Drain when uvicorn stops: uvicorn waits until this protocol has left its connections."""
        takeover = self._takeover
        if takeover is None or takeover.link is None:
            self._write_response(response_to(stopping()))
            return
        bound = smaller(self._options.drain_timeout, self._config.timeout_graceful_shutdown)
        if self._config.reload:
            bound = smaller(bound, RELOAD_TIMEOUT)
        shut_down(self._state, takeover.link, takeover.over, bound, self._options)

    # The application, as the built-in protocol runs it.

    async def _run_application(self, scope: Scope, receive: Receive, send: Send) -> Any:
        """Run the application in place of the built-in protocol, between the two."""
        takeover = self._takeover
        assert takeover is not None, "made before the application is run"
        scope["extensions"][TAKEOVER_EXTENSION] = takeover
        self._builtin.forget_app()  # so that the connection is freed as soon as it has ended

        async def receive_until_taken_over() -> Event:
            event = None if self._taken_over else await receive()
            if event is None or self._taken_over:  # a Sock may have accepted while this waited
                await asyncio.shield(takeover.over)
                return disconnect_event(takeover.cause)
            return event

        def send_or_decide(event: Event) -> Awaitable[None]:  # no coroutine: `send` makes one
            if self._left_to_builtin:
                return send(event)
            return self._send_first(takeover, scope, event, send)

        try:
            returned = await self._config.loaded_app(
                scope, receive_until_taken_over, send_or_decide
            )
        except Refuse as refusal:
            if self._left_to_builtin or self._taken_over:
                raise
            await self._refuse(takeover, refusal, scope, send)
            raise ClientDisconnected from refusal  # uvicorn takes this for an end without an error
        except BaseException as error:
            # An error that only says that the peer or the server has ended is not worth a line.
            if _is_an_end(error) if self._taken_over else self._is_too_late():
                raise ClientDisconnected from error
            raise
        if returned is None and self._transport.is_closing():
            raise ClientDisconnected  # uvicorn would log an error for an application that denied
        return returned

    async def _send_first(self, takeover: Takeover, scope: Scope, event: Event, send: Send) -> None:
        """Send the first event of the application, which decides who goes on.

        Raises:
            ClientDisconnected: the peer has left.
            RuntimeError: a Sock has the connection.
        """
        kind = event["type"]
        if self._taken_over:
            if kind == "websocket.close":  # Quart sends it after every route
                return
            raise RuntimeError(f"{kind!r} to a connection that was taken over")
        if self._transport.is_closing():
            raise ClientDisconnected
        if kind == "websocket.accept" and takeover.begin_arguments is not None:
            await self._take_over(takeover, scope, event, send)
            return
        await send(event)
        if kind == "websocket.accept":
            self._leave_to_builtin(takeover, _ACCEPTED)
            self._hand_transport_over()
        elif kind in {"websocket.close", f"{RESPONSE_EXTENSION}.start"}:
            self._leave_to_builtin(takeover, _REFUSED)

    async def _take_over(self, takeover: Takeover, scope: Scope, event: Event, send: Send) -> None:
        """Take the socket over for a Sock.

        Raises:
            ClientDisconnected: the connection may not begin, and its refusal was sent.
        """
        assert takeover.begin_arguments is not None, "the caller has looked"
        upgrade, base = takeover.begin_arguments
        self._options = base
        try:
            takeover.begin(_as_sent(upgrade, event, self._state.default_headers), base)
        except HandshakeError as refusal:  # for example because a drain has begun meanwhile
            await self._refuse(takeover, refusal, scope, send)
            raise ClientDisconnected from refusal
        self._taken_over = True
        self._builtin.retire()
        del self._builtin
        takeover.over.add_done_callback(lambda _: self._leave_connections())
        log.accepted(scope)
        settings.warn_of_unused(self._config)

    async def _refuse(
        self, takeover: Takeover, refusal: Refuse | HandshakeError, scope: Scope, send: Send
    ) -> None:
        """Have the built-in protocol send the response of a refusal."""
        attach()
        response = refused(takeover.seen_request, refusal)
        takeover.refusal_reported = True
        self._leave_to_builtin(takeover, _REFUSED)
        await send_response(response, scope, send)

    def _leave_to_builtin(self, takeover: Takeover, how: str) -> None:
        """Leave the connection to the built-in protocol, which has answered the request."""
        self._left_to_builtin = True
        takeover.answered_by_server(how)
        self._leave_connections()
        self._builtin.stand_in()

    def _hand_transport_over(self) -> None:
        """Let the built-in protocol read the connection."""
        self._takeover = None  # the built-in protocol hears of the end by itself now
        self._builtin.take_transport(self._transport, self._take_early())

    def _write_response(self, response: Response) -> None:
        """Write a response and close, where the built-in protocol cannot respond."""
        self._leave_connections()
        if self._transport.is_closing():
            return
        self._transport.write(bytes_of(response))
        self._transport.close()

    def _give_socket(self, connect: Callable[[Pipe], Receiver]) -> bytes:
        self._transport.pause_reading()
        take_from_transport(Reactor.of(asyncio.get_running_loop()), self._transport, connect)
        return self._take_early()

    def _take_early(self) -> bytes:
        early, self._early = self._early, b""
        return early or b""

    def _is_too_late(self) -> bool:
        """Tell whether the peer has left, or was answered, while the application ran."""
        return not self._left_to_builtin and not self._taken_over and self._transport.is_closing()

    def _leave_connections(self) -> None:
        self._state.connections.discard(self)


def _is_an_end(error: BaseException) -> bool:
    """Tell whether an application's exception only says that its peer or its server has ended."""
    ends = (asyncio.CancelledError, ConnectionError, ClientDisconnected)
    # Starlette raises an exception of its own in the place of ClientDisconnected.
    return isinstance(error, ends) or isinstance(error.__context__, ClientDisconnected)


def _as_sent(upgrade: Upgrade, event: Event, defaults: list[tuple[bytes, bytes]]) -> Upgrade:
    """Return the upgrade with the changes that middleware made, and with uvicorn's headers."""
    headers = [
        (name.decode("latin-1"), text_of(value))
        for name, value in (*defaults, *(event.get("headers") or ()))
        if name.lower() not in _HOST_HEADERS and not name.lower().startswith(b"sec-websocket-")
    ]
    return Upgrade(
        upgrade.handler,
        subprotocol=event.get("subprotocol"),
        headers=headers,
        options=upgrade.options,
    )
