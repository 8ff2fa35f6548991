"""What the TLS connections of one server share: two memories, and the queue of their handshakes."""

from __future__ import annotations

import ssl
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, final

from .wakeable import Wakeable

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reactor import Reactor

_STEPS_PER_TURN: Final = 4
"""Steps of handshakes in one turn. One costs up to a millisecond."""


class Handshaking(Protocol):
    """A connection that waits for the next step of its handshake."""

    def step(self) -> None:
        """Take the step."""


@final
class SharedTLS(Wakeable):
    """The memory that all TLS pipes of one server use, and the queue of their handshakes.

    OpenSSL reads from one memory and writes to another. Both are empty whenever no call is under
    way, as OpenSSL keeps the beginning of a record itself. So all connections share two of them:
    they never shrink, and an idle connection would keep some 90 kB for the largest read it has had.

    A handshake costs a hundred times as much as a message. So its steps wait in a queue, and a few
    of them are done in each turn: live connections have their turns in between.

    Args:
        reactor: of the event loop.
        new_tls: makes the TLS of a new connection, which reads the first memory and writes the
            second.
        plain_answer: is sent to a peer that does not speak TLS.
    """

    __slots__ = (
        "_waiting",
        "feed",
        "incoming",
        "new_tls",
        "outgoing",
        "plain_answer",
        "reactor",
        "take",
    )

    def __init__(
        self,
        reactor: Reactor,
        new_tls: Callable[[ssl.MemoryBIO, ssl.MemoryBIO], ssl.SSLObject],
        plain_answer: bytes,
    ) -> None:
        super().__init__()
        self.reactor = reactor
        self.new_tls = new_tls
        self.plain_answer = plain_answer
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        # Looked up once, and not for each message (bench, tls-1).
        self.feed = self.incoming.write
        """Puts bytes into the first memory."""
        self.take: Callable[[], bytes] = self.outgoing.read
        """Takes all bytes out of the second one."""
        self._waiting: deque[Handshaking] = deque()

    def empty(self) -> None:
        """Take out of the memories what a failure has left: it is no other connection's."""
        self.incoming.read()
        self.outgoing.read()

    def queue(self, pipe: Handshaking) -> None:
        """Let a pipe take the next step of its handshake, behind those that wait already."""
        self._waiting.append(pipe)
        self.reactor.wake(self)

    def turn(self) -> None:
        """Take a few steps; the others wait until the loop has looked at its sockets again."""
        try:
            for _ in range(min(_STEPS_PER_TURN, len(self._waiting))):
                self._waiting.popleft().step()
        finally:
            if self._waiting:
                self.reactor.wake(self)
