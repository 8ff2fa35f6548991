"""A pipe without a network: both of its ends are in this process.

what the peer does   what the pipe does
-------------------  --------------------------------------------------------------------
sends                keeps it, and hands it over in the loop's next turn, if it is read
blocks               keeps what is written, as a kernel would for a peer that takes nothing
ends (FIN)           says so, behind all that was sent
is lost (RST)        forgets both directions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.loop import Reactor, Receiver
    from sock.spec.request import Address

_RECEIVE: Final = 64 * 1024  # as much as a reactor takes from a socket at once


@final
class Pipe:
    """A `Pipe` and, in the second half of its methods, the peer that is at its other end.

    Args:
        reactor: of the event loop.
        client: host and port that the peer is said to have.
        server: host and port that it is said to have reached.
        arrived: called with what the host has sent, as soon as the peer takes it.
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
        """Whether there is no connection any more."""
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
    def pending(self) -> int:
        """Bytes that the peer has not taken."""
        return len(self._outbox)

    def write(self, data: bytes | bytearray, /) -> None:
        """Send what the peer takes, and the rest when it does."""
        if self.lost:
            return
        self.writes += 1
        if self.blocked or self._outbox:
            self._outbox += data
        else:
            self._take(bytes(data))

    def pause(self, dead_after: float | None = None, /) -> None:  # noqa: ARG002 - nobody dies here unasked
        """Stop reading."""
        self._reading = False

    def resume(self) -> None:
        """Read again."""
        self._reading = True
        self._pump_soon()

    def finish(self) -> None:
        """Send what is pending, then FIN."""
        self._after_outbox(self._finish)

    def close(self) -> None:
        """Send what is pending, then close."""
        self._reading = False
        self._after_outbox(self.lose)

    def abort(self) -> None:
        """Close at once."""
        self.lose()

    # The peer.

    @property
    def unread(self) -> int:
        """Bytes that the peer has sent and the host has not read."""
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
        """Lose the connection, whatever is pending in either direction."""
        if not self.lost:
            self.lost = True
            self._inbox.clear()
            self._outbox.clear()
            # Not now: whoever reads this pipe may be in the middle of using it.
            self._reactor.loop.call_soon(lambda: self.receiver.lost())  # noqa: PLW0108 - the receiver of then

    def block(self) -> None:
        """Take nothing from now on."""
        self.blocked = True

    def unblock(self) -> None:
        """Take what is pending, and all that comes."""
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
