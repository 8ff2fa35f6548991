"""Thousands of deadlines on one timer of the event loop.

A connection has several deadlines, which may be coarse, and few of which are ever reached. So there
is no timer for a message or for a deadline. Time is divided into ticks, and a connection stands in
the slot of one tick. When this tick comes, the connection checks which of its deadlines is due, and
enters a later slot.
"""

from __future__ import annotations

import contextvars
import math
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, Protocol, final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

TICK: Final = 0.1  # seconds: limits are whole seconds, and tests see one pass in less than a second

NO_SLOT: Final = -1
"""The number that an entry has which stands in no slot."""

_NEVER: Final = 1e15  # seconds: 31 million years; a machine word can count their ticks


class WheelEntry(Protocol):
    """An object that may stand in a slot of the wheel, in one at a time."""

    slot: int
    """The number of its slot, or `NO_SLOT`. Only the wheel sets it."""

    def tick(self, now: float, /) -> None:
        """Check which deadlines are due. Called when its tick has come, at most one tick late."""


@final
class Wheel:
    """The deadlines of one event loop.

    Args:
        loop: the event loop, whose clock and timer are used.
    """

    __slots__ = ("_handle", "_loop", "_next", "_order", "_passed", "_slots")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, set[WheelEntry]] = {}
        self._order: list[int] = []  # a heap of the numbers of slots; empty slots are passed over
        self._handle: asyncio.TimerHandle | None = None
        self._next = 0
        self._passed = 0  # the last slot whose time has come

    def arm(self, entry: WheelEntry, due: float) -> None:
        """Let an entry tick at `due`, unless it stands in an earlier slot already."""
        last: float = _NEVER
        tick: float = TICK
        no_slot: int = NO_SLOT
        # Rounded up without `math.ceil`, which compiled code has to call (bench, connect).
        number = -int(-min(due, last) / tick // 1)
        if number <= self._passed:
            number = self._passed + 1
        before = entry.slot
        if before != no_slot:
            if before <= number:
                return
            self._slots[before].discard(entry)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = set()
            heappush(self._order, number)
        slot.add(entry)
        entry.slot = number
        if self._handle is None or number < self._next:
            self._sleep(number)

    def disarm(self, entry: WheelEntry) -> None:
        """Take an entry out of its slot."""
        number = entry.slot
        if number != NO_SLOT:
            self._slots[number].discard(entry)
            entry.slot = NO_SLOT

    def _sleep(self, number: int) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._next = number
        # In an empty context: the timer would keep the context of a connection alive.
        self._handle = self._loop.call_at(number * TICK, self._turn, context=contextvars.Context())

    def _turn(self) -> None:
        self._handle = None
        now = self._loop.time()
        # The loop may call a little early, by the resolution of its clock.
        current = max(self._next, math.floor(now / TICK))
        try:
            while self._order and self._order[0] <= current:
                self._passed = number = self._order[0]
                slot = self._slots[number]
                while slot:  # an entry that ticks may disarm others of its slot
                    entry = slot.pop()
                    entry.slot = NO_SLOT
                    entry.tick(max(now, number * TICK))
                del self._slots[heappop(self._order)]
        finally:  # after an error, the other entries tick in the loop's next turn
            while self._order and not self._slots[self._order[0]]:
                del self._slots[heappop(self._order)]
            if self._order:
                self._sleep(self._order[0])


@final
class Alarm:
    """A single callback on the wheel. Made by `Reactor.after`."""

    __slots__ = ("_callback", "_wheel", "slot")

    def __init__(self, wheel: Wheel, due: float, callback: Callable[[], object]) -> None:
        self._wheel = wheel
        self._callback = callback
        self.slot = NO_SLOT
        wheel.arm(self, due)

    def tick(self, now: float, /) -> None:  # noqa: ARG002 - an alarm does the same at any time
        """Call the callback."""
        self._callback()

    def cancel(self) -> None:
        """Forget the callback. Does nothing after it was called."""
        self._wheel.disarm(self)
