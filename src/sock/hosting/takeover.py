"""A socket taken over from a server that lets go of it: our wire and our reactor from the 101 on.

    the connection                    how it goes on
    --------------------------------  --------------------------------------------------------------
    TCP, on a loop with epoll         its descriptor is doubled and read in our epoll; the server's
                                      transport is closed, which closes its own descriptor only
    TLS; a loop without epoll; bytes  the same link over the server's own transport, whose protocol
    that the server has yet to send;  we become
    no descriptor left

Both keep all of the contract; the second has the portable speed. What the server has read behind
the request belongs to the connection, and is given to `begin`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, Protocol, final

from sock.live.link import Link
from sock.loop.transport import TransportPipe
from sock.spec import HandlerError
from sock.wire import handshake

from .answer import accepted
from .members import Members

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.engine import Cause
    from sock.loop.pipe import Pipe
    from sock.loop.reactor import Reactor
    from sock.spec import Options, Request, Upgrade


class Carrier(Protocol):
    """The way from a server's connection to a pipe of ours."""

    def __call__(self, connect: Callable[[Pipe], Link], /) -> bytes:
        """Give the pipe, now or soon; from then on the server leaves the connection alone.

        Returns:
            What the server has read behind the request.
        """
        ...


@final
class Takeover:
    """A request that a server has read, and whose socket it will give away.

    Args:
        reactor: of the event loop.
        request: as it came.
        carry: hands the connection over.
    """

    def __init__(self, reactor: Reactor, request: Request, carry: Carrier) -> None:
        self.request = request
        self.shown = request
        """What the application was asked with, where middleware has had its say: the ref's."""
        self.link: Link | None = None
        """The live connection, once there is one."""
        self.cause: Cause | None = None
        """Why it has ended, once it has."""
        self.over: asyncio.Future[None] = reactor.loop.create_future()
        """Done when it has ended, TCP included."""
        self.plan: tuple[Upgrade, Options] | None = None
        """What is to be taken over by, and the host's limits; set by who accepts, before that."""
        self.told = False
        """Whether it was refused, and that has been told: the server's own line is one too many."""
        self.carried = False
        """Whether the server has been told to let go."""
        self._answered = ""
        self._reactor = reactor
        self._carry: Carrier | None = carry  # until it is known whose the connection is
        self._members = Members.of(reactor.loop)

    def __deepcopy__(self, memo: object) -> Takeover:
        """Return this one: frameworks copy the scope it is in, and the connection is the same."""
        return self

    def forestall(self, how: str) -> None:
        """Note that the server has answered in its own way: nothing is left to take over.

        Args:
            how: what it has answered, as the error of the one who comes too late.
        """
        self._answered = how
        self._carry = None
        if not self.over.done():
            self.over.set_result(None)

    def check_unanswered(self) -> None:
        """Make sure that the request has not been answered by somebody else.

        Raises:
            RuntimeError: it has.
        """
        if self._answered:
            raise RuntimeError(self._answered)

    def check(self) -> str:
        """Return the key of a valid opening handshake.

        Raises:
            HandshakeError: it is none, or the server is stopping.
        """
        self._members.check()
        return handshake.check(self.request)

    def begin(self, upgrade: Upgrade, base: Options) -> None:
        """Accept: from here on the connection is ours.

        Args:
            upgrade: the application's answer.
            base: the host's limits, which those of the upgrade are laid over.

        Raises:
            ConnectionResetError: the peer has gone meanwhile.
            HandshakeError: the handshake is not valid, or another site's page asks.
            HandlerError: the application chose what is not its to choose.
            RuntimeError: it was answered already.
        """
        self.check_unanswered()
        acceptance, options = accepted(self.request, self.check(), upgrade, base, shown=self.shown)
        early: bytes | None = None
        # Here and now: `connect` may be called by the loop.
        scope = self._reactor.scope.here()

        def connect(pipe: Pipe) -> Link:
            link = self.link = Link(
                self._reactor,
                pipe,
                self.shown,
                upgrade.handler,
                options,
                agreement=acceptance.agreement,
                on_over=self._ended,
                debug=self._reactor.loop.get_debug(),
                scope=scope,
            )
            self._members.add(link)
            if early is not None:  # so late that whoever called `carry` has gone on
                # Not at once: who receives is set when this has returned.
                self._reactor.loop.call_soon(link.begin, acceptance.head, early)
            return link

        carry, self._carry = self._carry, None
        assert carry is not None, "a connection is taken over once"
        self.carried = True
        early = carry(connect)
        if self.link is not None:
            self.link.begin(acceptance.head, early)

    def lost(self) -> None:
        """Note that the peer has gone before it was accepted."""
        if self.link is None and not self.over.done():
            self.over.set_result(None)

    async def wait(self) -> None:
        """Wait until it has ended. What cancels this drains the connection, with no time to lose.

        Raises:
            asyncio.CancelledError: it was cancelled; the 1012 is on its way.
            RuntimeError: the acceptance was answered in another way before it came here.
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


def carry(reactor: Reactor, transport: asyncio.Transport, connect: Callable[[Pipe], Link]) -> None:
    """Take a connection from its asyncio transport, which does not read at the moment.

    Raises:
        ConnectionResetError: the peer has gone.
    """
    if transport.is_closing():
        raise ConnectionResetError("the peer has gone")
    sock: Any = transport.get_extra_info("socket")
    plain = transport.get_extra_info("sslcontext") is None
    if reactor.native and plain and sock is not None and not transport.get_write_buffer_size():
        # Such as when there are no descriptors left, or the last one was this connection's and the
        # reactor's epoll has none. So the transport is let go of last.
        with contextlib.suppress(HandlerError, OSError):
            reactor.adopt(doubled(sock.fileno()), connect)
            transport.set_protocol(asyncio.Protocol())  # the server's own shall hear nothing of it
            transport.abort()
            return
    pipe = TransportPipe(reactor, connect)
    transport.set_protocol(pipe)
    pipe.connection_made(transport)
    transport.resume_reading()


def doubled(descriptor: int) -> socket.socket:
    """Return the connection of a descriptor under another one, not blocking.

    Raises:
        HandlerError: it is no socket that could be read.
    """
    try:
        taken = socket.socket(fileno=os.dup(descriptor))
    except OSError as error:
        raise HandlerError(f"the host's socket cannot be taken over: {error}") from error
    taken.setblocking(False)  # noqa: FBT003 - the socket's own signature
    return taken
