"""Messages, control frames and infos that wait for a callback, in the order of their arrival."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Any, Final, final

from .size import size_of as size_of

# The bytes that an entry counts beside its payload, so that empty messages are bounded too [S11.3].
ENTRY_OVERHEAD = 64


class Kind(StrEnum):
    """The kind of an entry: the name of its callback."""

    MESSAGE = "handle_in"
    CONTROL = "handle_control"
    INFO = "handle_info"


# These are globals, because they are read for every info, and a member of an enum is slower.
MESSAGE: Final = Kind.MESSAGE
CONTROL: Final = Kind.CONTROL
INFO: Final = Kind.INFO


@final
class Mailbox:
    """The entries that wait.

    Its owner bounds it, by `ahead` and by the result of `put_info`.

    Args:
        max_infos: infos that may wait; None for no limit.
    """

    __slots__ = ("_entries", "_infos", "_max_infos", "ahead", "high_water")

    def __init__(self, max_infos: int | None) -> None:
        # There is no empty deque: its 600 bytes would be too much for a hundred thousand idle
        # connections.
        self._entries: deque[tuple[Kind, Any, int]] | None = None
        self._infos = 0
        self._max_infos = max_infos
        self.ahead = 0
        """Bytes of the messages and control frames that wait, and an overhead for each."""
        self.high_water = 0
        """The most entries that have ever waited, for the metrics."""

    def __bool__(self) -> bool:
        return self._entries is not None

    def __len__(self) -> int:
        return 0 if self._entries is None else len(self._entries)

    def put(self, kind: Kind, value: Any, size: int) -> None:
        """Keep a message or a control frame with `size` bytes of payload."""
        cost = size + ENTRY_OVERHEAD
        self.ahead += cost
        self._append(kind, value, cost)

    def put_info(self, info: Any) -> bool:
        """Keep an info, unless `max_infos` wait already; return whether it was kept."""
        if self._max_infos is not None and self._infos >= self._max_infos:
            return False
        self._infos += 1
        self._append(INFO, info, 0)
        return True

    def take(self) -> tuple[Kind, Any]:
        """Remove the oldest entry and return it. The mailbox may not be empty."""
        assert self._entries is not None, "take from an empty mailbox"
        kind, value, cost = self._entries.popleft()
        if kind is INFO:
            self._infos -= 1
        self.ahead -= cost
        if not self._entries:
            self._entries = None
        return kind, value

    def clear(self) -> None:
        """Forget everything."""
        self._entries = None
        self._infos = self.ahead = 0

    def _append(self, kind: Kind, value: Any, cost: int) -> None:
        if self._entries is None:
            self._entries = deque()
        self._entries.append((kind, value, cost))
        self.high_water = max(self.high_water, len(self._entries))
