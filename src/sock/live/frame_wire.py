"""What an `EngineConnection` asks of a host that reads and writes the frames itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sock.spec import Ping, Pong


class FrameWire(Protocol):
    """A WebSocket connection in the host, after its 101. Its methods do not wait.

    It does not read before the first `resume`.

    Frames leave in the order of the calls. The host answers neither a ping nor a Close by itself.

    The connection calls everything in the thread of the event loop, except `pending`, which may be
    asked from any thread ([S10.10]). `flush`, `end` and `cut` do not raise when the peer has gone:
    `lost`, which the host calls, tells that.
    """

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer: kept for `flush`, or not taken by the kernel.

        It is asked from any thread. A wire whose transport may be asked in the event loop only
        returns the last number that it has seen there.
        """
        ...

    @property
    def bytes_taken(self) -> int:
        """Bytes that the kernel has taken so far; a higher count is progress while some pend."""
        ...

    def send(self, message: str | bytes | Ping | Pong, /) -> None:
        """Encode a message or a control frame, and keep it for `flush`.

        Raises:
            UnicodeEncodeError: the text has no form in UTF-8; nothing of it is kept.
        """

    def close(self, code: int | None, detail: str, /) -> None:
        """Keep a Close frame for `flush`: the last one, ours or the answer to the peer's.

        A server that has told the peer of a violation by itself sends nothing here.
        """

    def flush(self) -> None:
        """Write everything that was kept, in one piece. Nothing else writes."""

    def pause(self) -> None:
        """Read nothing more, so that TCP holds the peer back.

        What was read before may still be given to `receive`, which keeps it.
        """

    def resume(self) -> None:
        """Read again."""

    def end(self) -> None:
        """Send FIN when everything was written. What still comes is dropped; `cut` may follow."""

    def cut(self) -> None:
        """Close TCP at once."""
