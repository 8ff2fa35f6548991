"""Deadlines on the wheel, by a clock that the test turns."""

from __future__ import annotations

import pytest

from sock.loop.timer import NO_SLOT, TICK, Alarm, Wheel


class Loop:
    """As much of an event loop as a wheel needs."""

    class Handle:
        def __init__(self, due, callback):
            self.due, self.callback, self.cancelled = due, callback, False

        def cancel(self):
            self.cancelled = True

    def __init__(self):
        self.now = 1000.0
        self.handles = []

    def time(self):
        return self.now

    def call_at(self, due, callback, context):
        self.handles.append(self.Handle(due, callback))
        return self.handles[-1]

    def advance(self, seconds):
        end = self.now + seconds
        while True:
            pending = [handle for handle in self.handles if not handle.cancelled]
            self.handles = pending
            handle = min(pending, key=lambda one: one.due, default=None)
            if handle is None or handle.due > end:
                self.now = end
                return
            self.handles.remove(handle)
            self.now = max(self.now, handle.due)
            handle.callback()


class Item:
    def __init__(self):
        self.slot = NO_SLOT
        self.ticks = []

    def tick(self, now):
        self.ticks.append(now)


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def wheel(loop):
    return Wheel(loop)


def test_it_ticks_when_it_is_due_and_at_most_one_tick_late(loop, wheel):
    item = Item()
    wheel.arm(item, loop.now + 1.23)
    loop.advance(1.22)
    assert item.ticks == []
    loop.advance(0.01 + TICK)
    assert len(item.ticks) == 1
    assert 1001.23 <= item.ticks[0] <= 1001.23 + TICK


def test_an_earlier_deadline_takes_the_place_of_a_later_one_and_not_the_other_way_round(
    loop, wheel
):
    item = Item()
    wheel.arm(item, loop.now + 5)
    wheel.arm(item, loop.now + 1)
    wheel.arm(item, loop.now + 9)
    loop.advance(20)
    assert item.ticks == [1001.0]


def test_one_that_was_disarmed_does_not_tick(loop, wheel):
    item = Item()
    wheel.arm(item, loop.now + 1)
    wheel.disarm(item)
    wheel.disarm(item)
    loop.advance(2)
    assert item.ticks == []


def test_one_that_arms_itself_again_while_it_ticks_ticks_again(loop, wheel):
    class Again(Item):
        def tick(self, now):
            super().tick(now)
            if len(self.ticks) < 5:
                wheel.arm(self, now + 1)

    item = Again()
    wheel.arm(item, loop.now + 1)
    loop.advance(20)
    assert item.ticks == [1001.0, 1002.0, 1003.0, 1004.0, 1005.0]


def test_one_that_arms_itself_for_now_ticks_again_in_the_next_turn(loop, wheel):
    class Now(Item):
        def tick(self, now):
            super().tick(now)
            if len(self.ticks) < 3:
                wheel.arm(self, now)

    item = Now()
    wheel.arm(item, loop.now)
    loop.advance(1)
    assert len(item.ticks) == 3


def test_thousands_need_one_timer_of_the_loop(loop, wheel):
    items = [Item() for _ in range(5000)]
    for number, item in enumerate(items):
        wheel.arm(item, loop.now + number % 100)
    assert len([handle for handle in loop.handles if not handle.cancelled]) == 1
    loop.advance(200)
    assert all(len(item.ticks) == 1 for item in items)


def test_one_disarmed_by_another_of_the_same_tick_does_not_tick(loop, wheel):
    class Disarms(Item):
        def tick(self, now):
            super().tick(now)
            for other in items:
                if other is not self:
                    wheel.disarm(other)

    items = [Disarms() for _ in range(10)]
    for item in items:
        wheel.arm(item, loop.now + 1)
    loop.advance(2)
    assert sum(len(item.ticks) for item in items) == 1


def test_an_alarm_calls_back_once_and_can_be_cancelled(loop, wheel):
    calls = []
    Alarm(wheel, loop.now + 1, lambda: calls.append("kept"))
    cancelled = Alarm(wheel, loop.now + 1, lambda: calls.append("cancelled"))
    cancelled.cancel()
    loop.advance(5)
    cancelled.cancel()
    assert calls == ["kept"]
