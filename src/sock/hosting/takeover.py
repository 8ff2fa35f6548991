"""A socket taken over from another server: from the 101 on, wire and reactor are ours.

    the connection                         what happens
    -------------------------------------  ---------------------------------------------------------
    TCP, on a loop with epoll              its descriptor is duplicated, and our epoll reads the
                                           duplicate; the server's transport is closed, which closes
                                           its own descriptor only
    TLS; a loop without epoll; the server  the link reads and writes the server's own transport, and
    has bytes to send yet; no descriptor   takes the place of its protocol
    is left

Both keep the whole contract; the second has the speed of asyncio's transports. The bytes that the
server has read behind the request belong to the connection, and are given to `Link.begin`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, Protocol, final

from sock.live.link import Link
from sock.loop.sockets import adopt
from sock.loop.transport import TransportPipe
from sock.spec import HandlerError, HandshakeError
from sock.wire import handshake

from .asking import accept_upgrade, failed, refused
from .members import Members
from .unbegun import Unbegun

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.engine import Cause
    from sock.loop.pipe import Pipe, Receiver
    from sock.loop.reactor import Reactor
    from sock.spec import Options, Request, Response, Upgrade


class HandOver(Protocol):
    """How a server hands its connection over: as a pipe of ours."""

    def __call__(self, connect: Callable[[Pipe], Receiver], /) -> bytes:
        """Call `connect` with the pipe, now or soon. Then the server leaves the connection alone.

        Returns:
            The bytes that the server has read behind the request.
        """
        ...


@final
class Takeover:
    """A request that another server has read, on a socket that this server is ready to give away.

    Args:
        reactor: of the event loop.
        request: the request as it came.
        hand_over: hands the connection over.
    """

    def __init__(self, reactor: Reactor, request: Request, hand_over: HandOver) -> None:
        self.request = request
        self.seen_request = request
        """The request as the application has seen it, which middleware may have changed. The ref
        gives this one."""
        self.link: Link | None = None
        """The live connection, once there is one."""
        self.cause: Cause | None = None
        """Why the connection has ended, once it has."""
        self.over: asyncio.Future[None] = reactor.loop.create_future()
        """Done when the connection has ended, TCP included."""
        self.begin_arguments: tuple[Upgrade, Options] | None = None
        """The application's answer and the host's options, where `begin` is called with them later:
        when the server's own acceptance has come."""
        self.refusal_reported = False
        """Whether telemetry has been told of the refusal, so that the server's log need not repeat
        it."""
        self.handed_over = False
        """Whether the server has been asked to hand the connection over."""
        self._answered_by_server = ""
        self._reactor = reactor
        self._hand_over: HandOver | None = (
            hand_over  # until it is called or the server has answered
        )
        self._members = Members.of(reactor.loop)

    def __deepcopy__(self, memo: object) -> Takeover:
        """Return this object: frameworks copy the scope that holds it, not the connection."""
        return self

    def answered_by_server(self, how: str) -> None:
        """Note that the server has answered by itself, so that nothing is left to take over.

        Args:
            how: what the server has answered; the text of the error for a `begin` that comes later.
        """
        self._answered_by_server = how
        self._hand_over = None
        if not self.over.done():
            self.over.set_result(None)

    def check_unanswered(self) -> None:
        """Make sure that the server has not answered the request by itself.

        Raises:
            RuntimeError: it has.
        """
        if self._answered_by_server:
            raise RuntimeError(self._answered_by_server)

    def check_handshake(self) -> str:
        """Return the key of a valid opening handshake.

        Raises:
            HandshakeError: the handshake is not valid, or else the server is stopping.
        """
        key = handshake.check(self.request)
        self._members.check_not_draining()
        return key

    def begin(self, upgrade: Upgrade, host_options: Options) -> None:
        """Accept the connection, and take it over.

        Args:
            upgrade: the application's answer.
            host_options: the options of the host; those of the handler's class and of the upgrade
                are laid over them.

        Raises:
            ConnectionResetError: the peer has gone meanwhile.
            HandshakeError: the handshake is not valid, or a page of another site asks.
            HandlerError: the application chose something that it may not choose.
            RuntimeError: the request has been answered before.
        """
        self.check_unanswered()
        acceptance, options = accept_upgrade(
            self.request,
            self.check_handshake(),
            upgrade,
            host_options,
            seen_request=self.seen_request,
        )
        early: bytes | None = None
        # The scope is looked up now, because the loop may call `connect` later, in another context.
        scope = self._reactor.scope.for_current_context()

        def connect(pipe: Pipe) -> Receiver:
            link = self.link = Link(
                self._reactor,
                pipe,
                self.seen_request,
                upgrade.handler,
                options,
                agreement=acceptance.agreement,
                on_over=self._ended,
                debug=self._reactor.loop.get_debug(),
                scope=scope,
            )
            self._members.add(link)
            if early is None:
                return link
            # `hand_over` has returned, and the call of `begin` below is past. A transport that has
            # just been made cannot be paused, so the link begins in the next turn.
            return Unbegun(self._reactor.loop, link, acceptance.head, early)

        hand_over, self._hand_over = self._hand_over, None
        assert hand_over is not None, "a connection is taken over once"
        self.handed_over = True
        early = hand_over(connect)
        if self.link is not None:
            self.link.begin(acceptance.head, early)

    def begin_or_respond(self, upgrade: Upgrade, host_options: Options) -> Response | None:
        """Do as `begin` does, or return the response that has to be sent because it cannot be done.

        Raises:
            ConnectionResetError: the peer has gone meanwhile.
            RuntimeError: the request has been answered before.
        """
        try:
            self.begin(upgrade, host_options)
        except HandshakeError as refusal:
            return refused(self.request, refusal)
        except HandlerError as error:
            return failed(self.request, error)
        return None

    def lost(self) -> None:
        """Note that the peer has gone before the connection was accepted."""
        if self.link is None and not self.over.done():
            self.over.set_result(None)

    async def wait(self) -> None:
        """Wait until the connection has ended. To cancel this closes it with 1012 at once.

        Raises:
            asyncio.CancelledError: this was cancelled; the 1012 is on its way.
            RuntimeError: the server has answered the request by itself.
        """
        try:
            await asyncio.shield(self.over)
        except asyncio.CancelledError:
            if self.link is not None:
                self.link.shutdown(0)
            raise
        self.check_unanswered()

    def _ended(self, link: Link) -> None:
        self.cause = link.lifecycle.cause
        self._members.discard(link)
        if not self.over.done():
            self.over.set_result(None)


def take_from_transport(
    reactor: Reactor, transport: asyncio.Transport, connect: Callable[[Pipe], Receiver]
) -> None:
    """Take a connection from its asyncio transport, which does not read at the moment.

    Raises:
        ConnectionResetError: the peer has gone.
    """
    if transport.is_closing():
        raise ConnectionResetError("the peer has gone")
    sock: Any = transport.get_extra_info("socket")
    plain = transport.get_extra_info("sslcontext") is None
    if reactor.uses_epoll and plain and sock is not None and not transport.get_write_buffer_size():
        # This fails when no descriptor is left, for the duplicate or for the reactor's epoll. The
        # server's transport is closed last, so that the connection can then stay with it.
        with contextlib.suppress(HandlerError, OSError):
            adopt(reactor, duplicate_socket(sock.fileno()), connect)
            transport.set_protocol(asyncio.Protocol())  # its own would be told of an end
            transport.abort()
            return
    pipe = TransportPipe(reactor, connect)
    transport.set_protocol(pipe)
    pipe.connection_made(transport)
    transport.resume_reading()


def duplicate_socket(descriptor: int) -> socket.socket:
    """Return the connection of a descriptor under a descriptor of its own, which does not block.

    Raises:
        HandlerError: the descriptor is no socket.
    """
    try:
        duplicate = socket.socket(fileno=os.dup(descriptor))
    except OSError as error:
        raise HandlerError(f"the host's socket cannot be taken over: {error}") from error
    duplicate.setblocking(False)  # noqa: FBT003 - the socket's own signature
    return duplicate
