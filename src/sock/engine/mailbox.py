"""What waits for a callback, in the order in which it arrived: messages, control frames, infos."""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Any, final

from .size import size_of as size_of

# What an entry costs beside its payload, so that a flood of empty messages is bounded too
# [S11.3].
ENTRY_OVERHEAD = 64


class Kind(Enum):
    """What an entry is, and so which callback it is for."""

    MESSAGE = "handle_in"
    CONTROL = "handle_control"
    INFO = "handle_info"


@final
class Mailbox:
    """The entries that wait.

    Bounded by its owner, who looks at `ahead` and at what `put_info` returns.

    Args:
        max_infos: infos that may wait; None for no limit.
    """

    __slots__ = ("_entries", "_infos", "_max_infos", "ahead")

    def __init__(self, max_infos: int | None) -> None:
        # An empty deque weighs 600 bytes, too much for a hundred thousand connections that have
        # nothing to keep.
        self._entries: deque[tuple[Kind, Any, int]] | None = None
        self._infos = 0
        self._max_infos = max_infos
        self.ahead = 0
        """Bytes of messages and control frames that wait, each with an overhead."""

    def __bool__(self) -> bool:
        return self._entries is not None

    def __len__(self) -> int:
        return 0 if self._entries is None else len(self._entries)

    def put(self, kind: Kind, value: Any, size: int) -> None:
        """Keep what the peer sent: `size` bytes of payload."""
        cost = size + ENTRY_OVERHEAD
        self.ahead += cost
        self._append(kind, value, cost)

    def put_info(self, info: Any) -> bool:
        """Keep an info, unless `max_infos` wait already; tell whether it was kept."""
        if self._max_infos is not None and self._infos >= self._max_infos:
            return False
        self._infos += 1
        self._append(Kind.INFO, info, 0)
        return True

    def take(self) -> tuple[Kind, Any]:
        """Take the oldest entry; only from one that is not empty."""
        assert self._entries is not None, "take from an empty mailbox"
        kind, value, cost = self._entries.popleft()
        if kind is Kind.INFO:
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
