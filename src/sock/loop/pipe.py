"""The byte pipe between a socket and whoever reads it, in the two forms that exist.

A `Pipe` is a TCP connection without blocking: over a socket in the reactor's epoll
(`epoll.SocketPipe`), or over an asyncio transport (`transport.TransportPipe`). A `Receiver`
is whoever reads it at the time: first the server's HTTP connection, after the upgrade a `Link`.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from sock.spec.request import Address


class Receiver(Protocol):
    """Whoever reads a pipe."""

    def received(self, data: bytes, /) -> None:
        """Take bytes as they came; never empty."""

    def ended(self) -> None:
        """Note that the peer sends nothing more (FIN); writing may still be possible."""

    def drained(self) -> None:
        """Note that the kernel has taken all that waited to be sent."""

    def lost(self) -> None:
        """Note that the pipe is gone: called once, last, whoever ended it."""


class NoReceiver:
    """Reads a pipe whose receiver could not be made, or has been told of its end."""

    def received(self, data: bytes, /) -> None:
        """Drop them."""

    def ended(self) -> None:
        """Do nothing."""

    def drained(self) -> None:
        """Do nothing."""

    def lost(self) -> None:
        """Do nothing."""


NO_RECEIVER: Final = NoReceiver()


class Pipe(Protocol):
    """A TCP connection that never blocks. Used from its event loop only."""

    receiver: Receiver
    """Who reads; may be replaced at any time."""

    @property
    def pending(self) -> int:
        """Bytes given to `write` that the kernel has not taken."""
        ...

    @property
    def taken(self) -> int:
        """Bytes that the kernel has taken, a count that shows progress while some are pending."""
        ...

    @property
    def client(self) -> Address | None:
        """Host and port of the peer, also when the pipe is gone."""
        ...

    @property
    def server(self) -> Address | None:
        """Host and port that the peer reached, also when the pipe is gone."""
        ...

    def write(self, data: bytes | bytearray, /) -> None:
        """Send what the kernel takes, and the rest when it can. `data` is given away."""

    def pause(self, dead_after: float | None = None, /) -> None:
        """Stop reading: TCP holds the peer back. A loss of the connection is still noticed.

        Args:
            dead_after: seconds after which the kernel should give up a peer that answers no probe;
                None for its own.
        """

    def resume(self) -> None:
        """Read again."""

    def finish(self) -> None:
        """Send what is pending, then FIN. Reading goes on."""

    def close(self) -> None:
        """Send what is pending, then close both directions. Reading ends now."""

    def abort(self) -> None:
        """Close at once; what is pending is lost."""


def accept_socket(listening: socket.socket) -> socket.socket | None:
    """Return a connection that waits in a listening socket, as one that does not block; or None.

    Raises:
        OSError: the kernel has none to give, or not the means to.
    """
    try:
        sock, _ = listening.accept()
    except (BlockingIOError, InterruptedError):
        return None
    sock.settimeout(0)
    return sock


_PROBES: Final = 3
_MAX_DEAD_AFTER: Final = 32_767 * (_PROBES + 1)
"""Seconds, 36 hours: Linux takes no TCP_KEEPIDLE and no TCP_KEEPINTVL over 32,767 s."""


def expect_dead_peer(sock: socket.socket, seconds: float | None) -> None:
    """Let the kernel probe a silent peer and give it up after so many seconds (rule 12)."""
    if seconds is None or sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    seconds = min(seconds, _MAX_DEAD_AFTER)
    interval = max(1, round(seconds / (_PROBES + 1)))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", interval),
        ("TCP_KEEPINTVL", interval),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", round(seconds * 1000)),
    ):
        if hasattr(socket, name):  # not every system has every one
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
