"""How late an event loop is."""

from __future__ import annotations

import asyncio
import time

import pytest

from sock.observe.metrics.loop_lag import LoopLag

pytestmark = pytest.mark.one_form


async def wait_for_tick(lag):
    async with asyncio.timeout(20):
        while not sum(lag.counts):
            await asyncio.sleep(0.01)


def test_a_callback_that_blocks_the_loop_is_seen_in_its_lag():
    lag = LoopLag((0.1, 0.25), lambda: None)

    async def main():
        lag.begin(asyncio.get_running_loop())
        time.sleep(0.6)  # noqa: ASYNC251 - it blocks the loop: that is what is measured
        await wait_for_tick(lag)
        lag.end()

    asyncio.run(main())
    assert lag.counts[2] == 1
    assert lag.sum > 0.25


def test_a_measurement_that_has_ended_ticks_no_more():
    ticks = []
    lag = LoopLag((0.1,), lambda: ticks.append("tick"))

    async def main():
        lag.begin(asyncio.get_running_loop())
        await wait_for_tick(lag)
        lag.end()
        await asyncio.sleep(0.6)

    asyncio.run(main())
    assert ticks == ["tick"]
