"""A pipe without a network: both of its ends are in this process.

the peer             the pipe
-------------------  ------------------------------------------------------------------
sends bytes          keeps them, and gives them to its receiver in the next turn of the
                     loop, unless it is paused
blocks               keeps the bytes that are written, as a kernel does for a peer that
                     takes nothing
ends (FIN)           tells its receiver, behind the bytes that were sent
is lost (RST)        forgets the bytes of both directions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.loop import Reactor, Receiver
    from sock.spec.request import Address
    from sock.spec.tls import TLSInfo

_RECEIVE: Final = 64 * 1024  # the bytes that a reactor takes from a socket at once


@final
class Pipe:
    """A `Pipe`; its second half of methods is the peer at the other end.

    Args:
        reactor: of the event loop.
        client: the host and the port that the peer is given.
        server: the host and the port that the peer is supposed to have reached.
        arrived: called with the bytes that the host has sent, when the peer takes them.
    """

    receiver: Receiver

    def __init__(
        self,
        reactor: Reactor,
        client: Address | None,
        server: Address | None,
        arrived: Callable[[bytes], None],
    ) -> None:
        self.client = client
        self.server = server
        self.writes = 0
        """How often the host has written."""
        self.taken = 0
        self.finished = False
        """Whether the host has ended its direction."""
        self.lost = False
        """Whether the connection is over."""
        self.blocked = False
        """Whether the peer takes nothing."""
        self._reactor = reactor
        self._arrived = arrived
        self._reading = True
        self._pumping = False
        self._inbox = bytearray()
        self._eof = False
        self._outbox = bytearray()
        self._behind: Callable[[], None] | None = None

    # The pipe.

    @property
    def tls(self) -> TLSInfo | None:
        """Nothing is encrypted here."""
        return None

    @property
    def pending(self) -> int:
        """The number of bytes that the peer has not taken."""
        return len(self._outbox)

    def write(self, data: bytes | bytearray, /) -> None:
        """Send the bytes, or keep them while the peer takes nothing."""
        if self.lost:
            return
        self.writes += 1
        if self.blocked or self._outbox:
            self._outbox += data
        else:
            self._take(bytes(data))

    def pause(self, dead_after: float | None = None, /) -> None:  # noqa: ARG002 - this peer never dies by itself
        """Stop reading."""
        self._reading = False

    def resume(self) -> None:
        """Read again."""
        self._reading = True
        self._pump_soon()

    def finish(self) -> None:
        """Send the pending bytes, then FIN."""
        self._after_outbox(self._finish)

    def close(self) -> None:
        """Send the pending bytes, then close."""
        self._reading = False
        self._after_outbox(self.lose)

    def abort(self) -> None:
        """Close at once."""
        self.lose()

    # The peer.

    @property
    def unread(self) -> int:
        """The number of bytes that the peer has sent and the host has not read."""
        return len(self._inbox)

    def send(self, data: bytes) -> None:
        """Send bytes to the host."""
        if not self.lost:
            self._inbox += data
            self._pump_soon()

    def end(self) -> None:
        """Send FIN."""
        self._eof = True
        self._pump_soon()

    def lose(self) -> None:
        """Lose the connection, with the bytes that are pending in both directions."""
        if not self.lost:
            self.lost = True
            self._inbox.clear()
            self._outbox.clear()
            # In the next turn: the receiver may be in the middle of using this pipe.
            self._reactor.loop.call_soon(lambda: self.receiver.lost())  # noqa: PLW0108 - the receiver may be another one then

    def block(self) -> None:
        """Take nothing from now on."""
        self.blocked = True

    def unblock(self) -> None:
        """Take the pending bytes, and all that come later."""
        self.blocked = False
        self._reactor.loop.call_soon(self._flush)

    # Inside.

    def _pump_soon(self) -> None:
        if not self._pumping:
            self._pumping = True
            self._reactor.loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        if self.lost or not self._reading:
            return
        self._reactor.begin_turn()
        if self._inbox:
            data = bytes(self._inbox[:_RECEIVE])
            del self._inbox[:_RECEIVE]
            if self._inbox or self._eof:
                self._pump_soon()
            self.receiver.received(data)
        elif self._eof:
            self._eof = False
            self.receiver.ended()

    def _flush(self) -> None:
        if self.lost or self.blocked or not self._outbox:
            return
        data = bytes(self._outbox)
        self._outbox.clear()
        self._take(data)
        if self._behind is not None:
            self._behind()
        self.receiver.drained()

    def _take(self, data: bytes) -> None:
        self.taken += len(data)
        self._arrived(data)

    def _after_outbox(self, then: Callable[[], None]) -> None:
        if self._outbox:
            self._behind = then
        else:
            then()

    def _finish(self) -> None:
        self.finished = True
