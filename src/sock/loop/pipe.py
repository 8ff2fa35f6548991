"""The byte pipe over a socket, and its receiver, as two protocols.

A `Pipe` is a TCP connection that never blocks. It stands over a socket in our epoll
(`epoll.SocketPipe`), or over an asyncio transport (`transport.TransportPipe`). Its `Receiver` gets
the bytes: first it is the HTTP connection of the server, and after the upgrade a `Link`.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from sock.spec.request import Address
    from sock.spec.tls import TLSInfo


class Receiver(Protocol):
    """The object that gets the bytes of a pipe."""

    def received(self, data: bytes, /) -> None:
        """Take bytes as they came. There is at least one."""

    def ended(self) -> None:
        """Note that the peer sends nothing more (FIN); writing may still be possible."""

    def drained(self) -> None:
        """Note that the kernel has taken all that waited to be sent."""

    def lost(self) -> None:
        """Note that the pipe is gone. This is the last call, and comes once, whoever ended it."""


class NoReceiver:
    """The receiver of a pipe whose own receiver could not be made, or knows of the end already."""

    def received(self, data: bytes, /) -> None:
        """Drop the bytes."""

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
    """The object that gets the bytes. It may be replaced at any time."""

    @property
    def pending(self) -> int:
        """Bytes given to `write` that the kernel has not taken."""
        ...

    @property
    def taken(self) -> int:
        """Bytes that the kernel has taken so far; a higher count is progress while some pend."""
        ...

    @property
    def client(self) -> Address | None:
        """Host and port of the peer, also when the pipe is gone."""
        ...

    @property
    def server(self) -> Address | None:
        """Host and port that the peer has connected to, also when the pipe is gone."""
        ...

    @property
    def tls(self) -> TLSInfo | None:
        """What was agreed, where bytes are encrypted, also when the pipe is gone; else None."""
        ...

    def write(self, data: bytes | bytearray, /) -> None:
        """Send what the kernel takes now, and the rest later. `data` belongs to the pipe then."""

    def pause(self, dead_after: float | None = None, /) -> None:
        """Stop reading, so that TCP holds the peer back. A lost connection is still noticed.

        Args:
            dead_after: seconds after which the kernel gives up a peer that answers no probe; None
                for the kernel's own setting.
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
    """Return a connection that waits in a listening socket, non-blocking; None if none waits.

    Raises:
        OSError: the connection is gone already, or the kernel has no means for one more.
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
    """Let the kernel probe a silent peer, and give it up after so many seconds (rule 12)."""
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
        if hasattr(socket, name):  # some systems lack some of these
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
