"""Deadlines by the thousand, on one timer of the event loop.

A connection has several deadlines, all of them coarse and nearly none of them reached. So there is
no timer per message or per deadline: time is cut into ticks, whoever waits stands in the slot of
its tick, and when that comes it looks for itself what is due and stands in a later one.
"""

from __future__ import annotations

import contextvars
import math
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, Protocol, final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

TICK: Final = (
    0.1  # seconds; the limits are whole seconds, and tests want to see one pass in less than one
)

_NEVER: Final = 1e15  # seconds: 31 million years, the ticks of which a machine word counts


class WheelEntry(Protocol):
    """Who may stand in a slot, in one at a time."""

    slot: int | None
    """Where it stands; the wheel's own."""

    def tick(self, now: float, /) -> None:
        """Look what is due: its tick has come, at most one tick late."""


@final
class Wheel:
    """The slots of one event loop.

    Args:
        loop: whose clock and timer are used.
    """

    __slots__ = ("_handle", "_loop", "_next", "_order", "_passed", "_slots")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, set[WheelEntry]] = {}
        self._order: list[
            int
        ] = []  # a heap of the slots' numbers; one whose slot has emptied is passed over
        self._handle: asyncio.TimerHandle | None = None
        self._next = 0
        self._passed = 0  # the last slot whose time has come

    def arm(self, entry: WheelEntry, due: float) -> None:
        """Let it tick at `due`, unless it ticks earlier anyhow."""
        number = max(math.ceil(min(due, _NEVER) / TICK), self._passed + 1)
        if entry.slot is not None:
            if entry.slot <= number:
                return
            self.disarm(entry)
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = set()
            heappush(self._order, number)
        slot.add(entry)
        entry.slot = number
        if self._handle is None or number < self._next:
            self._sleep(number)

    def disarm(self, entry: WheelEntry) -> None:
        """Let it not tick."""
        if entry.slot is not None:
            self._slots[entry.slot].discard(entry)
            entry.slot = None

    def _sleep(self, number: int) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._next = number
        # In no context of anybody's, which it would keep.
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
                while slot:  # one that ticks may disarm others of its slot
                    entry = slot.pop()
                    entry.slot = None
                    entry.tick(max(now, number * TICK))
                del self._slots[heappop(self._order)]
        finally:  # an error costs the others nothing: they tick in the loop's next turn
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
        self.slot: int | None = None
        wheel.arm(self, due)

    def tick(self, now: float, /) -> None:  # noqa: ARG002 - there is one thing to do, whatever the time
        """Call back."""
        self._callback()

    def cancel(self) -> None:
        """Forget it. Does nothing after it has fired."""
        self._wheel.disarm(self)
