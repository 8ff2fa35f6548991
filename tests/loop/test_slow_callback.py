"""What blocks the loop is told each time; debug mode names it, once for each place."""

from __future__ import annotations

import asyncio
import itertools
import time
from functools import partial

import pytest

from sock import Sock
from sock.loop import slow_callback

numbers = itertools.count()
"""A place is named once in a process, so each test needs one of its own."""


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    def block(self):
        """Let more time pass than a callback may take."""
        self.now += 2 * slow_callback.SLOW


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(slow_callback, "time", clock)
    return clock


def slow(events):
    return [fields["place"] for event, fields in events if event == "callback.slow"]


def test_a_plain_callback_that_blocks_is_named_once(run, open_link, events, clock):
    class Blocks(Sock):
        def handle_in(self, message):
            clock.block()
            return message

    Blocks.__qualname__ = f"Blocks{next(numbers)}"

    async def scenario():
        connection = await open_link(Blocks, debug=True)
        connection.peer.send("one", "two")
        assert [await connection.peer.next() for _ in range(2)] == ["one", "two"]
        connection.link.abort()
        await connection.over()

    run(scenario())
    assert slow(events) == [f"{Blocks.__qualname__}.handle_in"]
    told = next(fields for event, fields in events if event == "callback.slow")
    assert told["seconds"] == 2 * slow_callback.SLOW
    assert "test_slow_callback.py" in told["where"]


def test_a_step_of_a_coroutine_that_blocks_is_named(run, open_link, events, clock):
    class Blocks(Sock):
        async def handle_in(self, message):
            await asyncio.sleep(0)
            clock.block()
            return message

    Blocks.__qualname__ = f"Blocks{next(numbers)}"

    async def scenario():
        connection = await open_link(Blocks, debug=True)
        connection.peer.send("one")
        assert await connection.peer.next() == "one"
        connection.link.abort()
        await connection.over()

    run(scenario())
    assert slow(events) == [f"{Blocks.__qualname__}.handle_in"]


def test_waiting_is_not_blocking(run, open_link, events, clock):
    waits = asyncio.Event()
    goes_on = asyncio.Event()

    class Waits(Sock):
        async def handle_in(self, message):
            waits.set()
            await goes_on.wait()
            return "waited"

    Waits.__qualname__ = f"Waits{next(numbers)}"

    async def scenario():
        connection = await open_link(Waits, debug=True)
        connection.peer.send("one")
        await waits.wait()
        clock.block()
        goes_on.set()
        assert await connection.peer.next() == "waited"
        connection.link.abort()
        await connection.over()

    run(scenario())
    assert slow(events) == []


def test_a_step_that_blocks_when_it_is_cancelled_is_named(run, open_link, events, clock):
    waits = asyncio.Event()
    cancelled = asyncio.Event()

    class Waits(Sock):
        async def handle_in(self, message):
            try:
                waits.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                clock.block()
                cancelled.set()
                raise

    Waits.__qualname__ = f"Waits{next(numbers)}"

    async def scenario():
        connection = await open_link(Waits, debug=True)
        connection.peer.send("one")
        await waits.wait()
        connection.link.ref.stop()
        await cancelled.wait()
        connection.link.abort()
        await connection.over()

    run(scenario())
    assert slow(events) == [f"{Waits.__qualname__}.handle_in"]


def test_a_callback_without_python_code_has_no_place_in_a_file(events, clock):
    def blocks(_):
        clock.block()
        return 1

    place = f"blocks{next(numbers)}"
    without_code = partial(blocks)
    assert slow_callback.report_if_slow(without_code, place)(None) == 1
    ((_, fields),) = events
    assert (fields["place"], fields["where"]) == (place, "?")


# Outside of debug mode. Time is real here: the turns have a clock of their own, of the kernel.

BLOCKED = 1.2 * slow_callback.SLOW
"""Seconds; the clock of the kernel is some milliseconds late."""


def block(_message=None):
    time.sleep(BLOCKED)


class Plain(Sock):
    def handle_in(self, message):
        block()
        return message


class Resumed(Sock):
    async def handle_in(self, message):
        await asyncio.sleep(0)
        block()
        return message


class Informed(Sock):
    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        self.ref.send(message)

    def handle_info(self, info):
        block()
        return info


@pytest.mark.parametrize("handler", [Plain, Resumed, Informed])
def test_a_callback_that_blocks_the_loop_is_told_each_time_without_debug_mode(
    run, open_link, events, slow_turns, handler
):
    async def scenario():
        connection = await open_link(handler)
        for message in ("one", "two"):
            connection.peer.send(message)
            assert await connection.peer.next() == message
        connection.link.abort()
        await connection.over()

    run(scenario())
    assert len(slow_turns) >= 2
    assert min(slow_turns) >= slow_callback.SLOW
    assert slow(events) == []


def test_a_turn_that_is_fast_enough_is_not_told(slow_turns):
    slow_callback.report_slow_turn(slow_callback.SLOW_NANOSECONDS - 1)
    assert slow_turns == []
    slow_callback.report_slow_turn(slow_callback.SLOW_NANOSECONDS)
    assert slow_turns == [slow_callback.SLOW]
