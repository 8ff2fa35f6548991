"""Debug mode names what blocks the loop, once for each place."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from sock import Sock
from sock.loop import watch

numbers = itertools.count()
"""A place is named once in a process, so each test needs one of its own."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(watch, "SLOW", 0.01)


def block():
    end = time.perf_counter() + 0.02
    while time.perf_counter() < end:
        pass


def slow(events):
    return [fields["place"] for event, fields in events if event == "callback.slow"]


def test_a_plain_callback_that_blocks_is_named_once(run, open_link, events):
    class Blocks(Sock):
        def handle_in(self, message):
            block()
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
    assert told["seconds"] >= 0.01
    assert "test_watch.py" in told["where"]


def test_a_step_of_a_coroutine_that_blocks_is_named(run, open_link, events):
    class Blocks(Sock):
        async def handle_in(self, message):
            await asyncio.sleep(0)
            block()
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


def test_waiting_is_not_blocking_and_a_cancellation_passes_through(run, open_link, events):
    class Waits(Sock):
        def __init__(self, request):
            self.told = []

        async def handle_in(self, message):
            try:
                await asyncio.sleep(0.03)
                yield "waited"
                await asyncio.Event().wait()
            finally:
                self.told.append("closed")

    async def scenario():
        connection = await open_link(Waits, debug=True)
        connection.peer.send("one")
        assert await connection.peer.next() == "waited"
        connection.peer.writer.close()
        await connection.over()
        assert connection.handler.told == ["closed"]

    run(scenario())
    assert slow(events) == []


def test_a_callback_without_python_code_has_no_place_in_a_file():
    async def nothing():
        return None

    assert watch.watch(len, "len")([1]) == 1
    assert asyncio.run(watch.watched(nothing(), "nothing")) is None
