"""The lag of an event loop: how late it is with a timer of our own."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

INTERVAL: Final = 0.25
"""Seconds between two ticks: a callback that blocks for longer than this is always noticed."""


@final
class LoopLag:
    """A timer on an event loop, and a histogram of how late it came.

    Args:
        bounds: the upper bounds of the buckets, in seconds.
        on_tick: called with each tick, in the thread of the loop.
    """

    def __init__(self, bounds: tuple[float, ...], on_tick: Callable[[], None]) -> None:
        self.counts = [0] * (len(bounds) + 1)
        """How often the lag was in each bucket; the last one has no upper bound."""
        self.sum = 0.0
        """The sum of all lags, in seconds."""
        self._bounds = bounds
        self._on_tick = on_tick
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    @property
    def measuring(self) -> bool:
        """Whether there is a loop that is measured."""
        return self._loop is not None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Measure this loop, from within its thread; a loop measured before is left."""
        self.end()
        self._loop = loop
        self._set_timer(loop)

    def end(self) -> None:
        """Measure no more."""
        if self._handle is not None:
            self._handle.cancel()
        self._loop = self._handle = None

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + INTERVAL
        self._handle = loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        loop = self._loop
        if loop is None:
            return
        lag = max(0.0, loop.time() - self._due)
        self.counts[bisect_left(self._bounds, lag)] += 1
        self.sum += lag
        self._on_tick()
        self._set_timer(loop)
