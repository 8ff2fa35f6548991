"""What an `EngineConnection` asks of a host that reads and writes the frames itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sock.spec import Ping, Pong


class FrameWire(Protocol):
    """A WebSocket connection in the host, after its 101. Its methods do not wait.

    It does not read before the first `resume`.

    Frames leave in the order of the calls. The host answers neither a ping nor a Close by itself.
    """

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer: kept for `flush`, or not taken by the kernel."""
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
        """Keep a Close frame for `flush`: the last one, ours or the answer to the peer's."""

    def flush(self) -> None:
        """Write everything that was kept, in one piece. Nothing else writes."""

    def pause(self) -> None:
        """Read nothing more, so that TCP holds the peer back."""

    def resume(self) -> None:
        """Read again."""

    def end(self) -> None:
        """Send FIN when everything was written. What still comes is dropped; `cut` may follow."""

    def cut(self) -> None:
        """Close TCP at once."""
