"""What was heard of each sender on one topic, so that a hole and a repetition are noticed.

the sequence of a message             what it is
------------------------------------  --------------------------------------------
0                                     next: its sender does not count
1                                     next: its sender begins, or begins again
the first of this sender, or the next next
more than the next                    a hole is before it
less                                  a repetition
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, final

_MAX_SENDERS: Final = 1024
"""Senders that are remembered for one topic; the one that was silent longest is forgotten."""


class Order(Enum):
    """How a message follows the one before it."""

    NEXT = auto()
    HOLE = auto()
    REPEATED = auto()


@final
class Heard:
    """The last sequence of each sender on one topic."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[bytes, int] = {}

    def order(self, sender: bytes, sequence: int) -> Order:
        """Note a message, and tell how it follows the one before it."""
        if sequence == 0:
            return Order.NEXT
        last = self._last.pop(sender, None)
        repeated = last is not None and 1 < sequence <= abs(last)
        # Taken out and put in again, a sender stands last among those that may be forgotten.
        self._last[sender] = last if last is not None and repeated else sequence
        if len(self._last) > _MAX_SENDERS:
            del self._last[next(iter(self._last))]
        if repeated:
            return Order.REPEATED
        is_hole = last is not None and last > 0 and sequence > last + 1
        return Order.HOLE if is_hole else Order.NEXT

    def told(self) -> None:
        """Take note that a hole was told: the next one of each sender is not told again.

        What came before is remembered nevertheless: a broker that comes back may still send what it
        got from a connection that has gone, behind what it got from the next one.
        """
        # A sequence below 0 is one behind which a hole is no news.
        self._last = {sender: -abs(last) for sender, last in self._last.items()}
