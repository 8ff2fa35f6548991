import asyncio
import threading

import pytest

from sock.testing import Clock


@pytest.fixture
def clock():
    clock = Clock(patience=2)
    yield clock
    clock.close()


def test_time_begins_at_zero_and_stands_still(clock):
    clock.run_until_idle()
    assert clock.time() == 0


def test_timers_fire_in_order_each_at_its_own_time(clock):
    fired = []
    for seconds in (3, 1, 2, 1):
        clock.call_later(seconds, lambda: fired.append(clock.time()))
    clock.advance(2.5)
    assert fired == [1, 1, 2]
    assert clock.time() == 2.5
    clock.advance(0.5)
    assert fired == [1, 1, 2, 3]


def test_a_timer_that_a_timer_sets_fires_in_the_same_advance(clock):
    fired = []

    def tick():
        fired.append(clock.time())
        clock.call_later(1, tick)

    clock.call_later(1, tick)
    clock.advance(4)
    assert fired == [1, 2, 3, 4]


def test_fractions_add_up_exactly(clock):
    for _ in range(10):
        clock.advance(0.1)
    assert clock.time() == 1


def test_a_day_and_more_passes_at_once(clock):
    fired = []
    clock.call_later(100 * 24 * 3600, fired.append, "at last")
    clock.advance(100 * 24 * 3600)
    assert fired == ["at last"]


def test_a_timer_that_is_due_now_fires_before_time_passes(clock):
    fired = []
    clock.call_later(0, lambda: fired.append(clock.time()))
    clock.advance(5)
    assert fired == [0]


def test_a_cancelled_timer_does_not_fire(clock):
    fired = []
    clock.call_later(1, fired.append, "no").cancel()
    clock.advance(2)
    assert fired == []


def test_idle_means_that_every_callback_has_run(clock):
    async def deep(levels):
        if levels:
            await clock.create_task(deep(levels - 1))

    task = clock.create_task(deep(50))
    clock.run_until_idle()
    assert task.done()
    assert task.result() is None


def test_a_thread_at_work_is_waited_for(clock):
    begun = threading.Event()

    def work():
        begun.set()
        return threading.get_ident()

    assert clock.run(asyncio.to_thread(work)) != threading.get_ident()
    assert begun.is_set()


def test_no_time_passes_while_a_thread_is_at_work(clock):
    gate = threading.Event()
    order = []

    async def both():
        clock.call_later(1, order.append, "timer")
        await asyncio.to_thread(gate.wait)
        order.append("thread")

    clock.create_task(both())
    threading.Timer(0.02, gate.set).start()
    clock.advance(2)
    assert order == ["thread", "timer"]


def test_what_another_thread_says_is_heard(clock):
    heard = []
    thread = threading.Thread(target=clock.call_soon_threadsafe, args=(heard.append, "hello"))
    thread.start()
    thread.join()
    clock.run_until_idle()
    assert heard == ["hello"]


def test_a_thread_that_does_not_end_fails_the_test():
    clock = Clock(patience=0.05)
    gate = threading.Event()
    clock.run_in_executor(None, gate.wait)
    with pytest.raises(TimeoutError, match=r"0\.05 s: a thread has not ended"):
        clock.run_until_idle()
    gate.set()
    clock.close()


def test_callbacks_without_end_fail_the_test():
    clock = Clock(patience=0.05)

    async def spin():
        while True:
            await asyncio.sleep(0)

    clock.create_task(spin())
    with pytest.raises(TimeoutError, match="there is always more to do"):
        clock.run_until_idle()
    clock.close()


def test_what_a_callback_raises_is_raised_in_the_test(clock):
    clock.call_soon(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clock.run_until_idle()
    clock.run_until_idle()


def test_run_returns_what_the_coroutine_does(clock):
    async def answer():
        await asyncio.sleep(0)
        return 42

    assert clock.run(answer()) == 42


def test_run_refuses_to_wait_for_time(clock):
    with pytest.raises(RuntimeError, match="sleep waits for time to pass"):
        clock.run(asyncio.sleep(1))


def test_time_does_not_go_back(clock):
    with pytest.raises(ValueError, match="advance"):
        clock.advance(-1)


def test_timeouts_work_in_virtual_time(clock):
    async def bounded():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.Event().wait()
        return clock.time()

    task = clock.create_task(bounded())
    clock.advance(9)
    assert not task.done()
    clock.advance(1)
    assert task.result() == 10


def test_inside_another_loop_it_says_what_to_do(clock):
    async def nested():
        clock.run_until_idle()

    with pytest.raises(RuntimeError, match="plain `def`"):
        asyncio.run(nested())


def test_closing_cancels_what_is_left(clock):
    ended = []

    async def waits():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async def items():
        try:
            yield 1
            yield 2
        finally:
            ended.append("items")

    async def take():
        return await anext(clock_items)

    clock_items = items()
    clock.create_task(waits())
    assert clock.run(take()) == 1
    clock.close()
    clock.close()
    assert ended == ["waits", "items"]
