"""Messages, control frames and infos that wait for a callback, in the order of their arrival."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple, final

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


class _FromPeer(NamedTuple):
    """A message or a control frame; an info stands among the entries as it is."""

    kind: Kind
    value: Any
    cost: int


_MANY: Final = 64
"""So many entries that were taken are removed at once, when they are half of all."""


@final
class Mailbox:
    """The entries that wait.

    Its owner bounds it, by `ahead` and by the result of `put_info`.

    Args:
        max_infos: infos that may wait; None for no limit.
    """

    __slots__ = ("_entries", "_infos", "_max_infos", "_taken", "ahead", "high_water")

    def __init__(self, max_infos: int | None) -> None:
        # There is no empty list, for the sake of a hundred thousand idle connections. A deque would
        # take 600 bytes of each connection to which an info is sent, and twice the time.
        self._entries: list[Any] | None = None
        self._taken = 0  # how many of them were taken, and are None
        self._infos = 0
        self._max_infos = max_infos
        self.ahead = 0
        """Bytes of the messages and control frames that wait, and an overhead for each."""
        self.high_water = 0
        """The most entries that have ever waited, for the metrics."""

    def __bool__(self) -> bool:
        return self._entries is not None

    def __len__(self) -> int:
        return 0 if self._entries is None else len(self._entries) - self._taken

    def put(self, kind: Kind, value: Any, size: int) -> None:
        """Keep a message or a control frame with `size` bytes of payload."""
        cost = size + ENTRY_OVERHEAD
        self.ahead += cost
        self._append(_FromPeer(kind, value, cost))

    def put_info(self, info: Any) -> bool:
        """Keep an info, unless `max_infos` wait already; return whether it was kept."""
        if self._max_infos is not None and self._infos >= self._max_infos:
            return False
        self._infos += 1
        self._append(info)
        return True

    def take(self) -> tuple[Kind, Any]:
        """Remove the oldest entry and return it. The mailbox may not be empty."""
        entries = self._entries
        assert entries is not None, "take from an empty mailbox"
        entry, entries[self._taken] = entries[self._taken], None
        self._taken += 1
        if self._taken == len(entries):
            self._entries = None
            self._taken = 0
        elif self._taken >= _MANY and self._taken * 2 >= len(entries):
            del entries[: self._taken]
            self._taken = 0
        if type(entry) is _FromPeer:
            self.ahead -= entry.cost
            return entry.kind, entry.value
        self._infos -= 1
        return INFO, entry

    def clear(self) -> None:
        """Forget everything."""
        self._entries = None
        self._taken = self._infos = self.ahead = 0

    def _append(self, entry: Any) -> None:
        if self._entries is None:
            self._entries = []
        self._entries.append(entry)
        waiting = len(self._entries) - self._taken
        if waiting > self.high_water:  # noqa: PLR1730 - compiled, `max` is slower
            self.high_water = waiting
