"""The table at the head of `bridge.py`, row by row: the name of a test is the words of its row."""

from __future__ import annotations

import asyncio

import pytest

from sock import Normal, Remote, Shutdown, Stop
from sock.engine import NEVER
from sock.live import bridge as table
from sock.live.state import State
from tests.live_bridge import Living, Notes, until
from tests.state_table import rows_of, rows_without_a_test


def test_each_row_of_the_table_has_its_test():
    assert rows_without_a_test(table, globals()) == []


def test_the_states_of_the_table_are_those_of_a_connection_that_never_is_behind():
    states = {row[0].removeprefix("not ") for row in rows_of(table)} - {"any"}
    states |= {row[3] for row in rows_of(table)}
    assert states == {state.name for state in State} - {"BEHIND"}


class Echo(Notes):
    """Echoes; waits for a message in capitals. Notes what was said when `terminate` was called."""

    def __init__(self):
        super().__init__()
        self.messages = []
        self.go_on = asyncio.Event()
        self.living = None
        self.closed_before = None

    def handle_in(self, message):
        self.messages.append(message)
        return self.later(message) if message in {"WAIT", "STOP"} else message

    async def later(self, message):
        await self.go_on.wait()
        return Stop(4001) if message == "STOP" else message

    def terminate(self, reason):
        self.closed_before = list(self.living.server.closed)
        super().terminate(reason)


async def opened(**options):
    """Return a bridge whose `init` has run; it reads at most two bytes ahead."""
    handler = Echo()
    living = handler.living = Living(handler, controls=True, max_read_ahead=2, **options)
    await until(lambda: hasattr(handler, "ref"))
    return living


async def held(living):
    """Give messages until the bridge receives no more; the last one is not taken."""
    living.server.tell("WAIT", "aaa", "left")
    await until(lambda: living.bridge.state is State.HELD)


async def end(living):
    living.handler.go_on.set()
    living.server.tell(Remote(1000))
    await living.task


def test_open_the_server_gives_a_message_the_life_cycle_takes_it(run_async):
    async def act():
        living = await opened()
        living.server.tell("one", "two")
        await until(lambda: living.server.sent == ["one", "two"])
        assert living.bridge.state is State.OPEN
        await end(living)

    run_async(act())


def test_open_the_life_cycle_pushes_queue_the_message(run_async):
    async def act():
        living = await opened()
        living.server.slow = asyncio.Event()
        living.handler.ref.send("one")
        await until(lambda: living.bridge.pending == 3)
        assert living.server.sent == []
        living.server.slow.set()
        await until(lambda: living.server.sent == ["one"])
        assert living.bridge.pending == 0
        await end(living)

    run_async(act())


def test_open_the_life_cycle_holds_receive_no_more_stop_the_peer_s_clock(run_async):
    async def act():
        living = await opened()
        assert living.bridge.keepalive.due() < NEVER
        await held(living)
        assert living.bridge.keepalive.due() == NEVER
        assert living.handler.messages == ["WAIT"]
        await end(living)

    run_async(act())


def test_held_the_life_cycle_resumes_receive_again(run_async):
    async def act():
        living = await opened()
        await held(living)
        living.handler.go_on.set()
        await until(lambda: living.server.sent == ["WAIT", "aaa", "left"])
        assert living.bridge.state is State.OPEN
        assert living.bridge.keepalive.due() < NEVER
        await end(living)

    run_async(act())


@pytest.mark.parametrize("state", [State.OPEN, State.HELD])
def test_not_lost_the_life_cycle_closes_queue_our_close_receive_again(run_async, state):
    async def act():
        living = await opened()
        if state is State.HELD:
            await held(living)
        assert living.bridge.state is state
        living.server.slow = asyncio.Event()
        living.handler.ref.send("before it")
        living.handler.ref.stop(4001)
        await until(lambda: living.bridge.state is State.CLOSE_SENT)
        assert living.server.closed == []
        living.server.slow.set()
        await living.task
        assert living.server.closed == [(4001, "")]

    run_async(act())


def test_close_sent_our_close_has_left_let_terminate_run(run_async):
    async def act():
        living = await opened()
        living.handler.ref.stop(4001)
        await living.task
        assert living.handler.closed_before == [(4001, "")]
        assert living.handler.reasons == [Normal()]

    run_async(act())


def test_close_sent_close_timeout_passes_let_terminate_run(run_async):
    async def act():
        living = await opened(close_timeout=0.1)
        living.server.slow = asyncio.Event()
        living.bridge.push("never taken")
        living.handler.ref.stop(4001)
        await living.task
        assert living.handler.closed_before == []
        assert living.handler.reasons == [Normal()]

    run_async(act())


def test_close_sent_the_life_cycle_pushes_drop_the_message(run_async):
    async def act():
        living = await opened()
        living.server.slow = asyncio.Event()
        living.bridge.push("in time")
        living.handler.ref.stop()
        await until(lambda: living.bridge.state is State.CLOSE_SENT)
        living.bridge.push("too late")
        living.server.slow.set()
        await living.task
        assert living.server.sent == ["in time"]

    run_async(act())


@pytest.mark.parametrize("end", [Remote(1000, "bye"), Remote(1005), Remote(1006)])
def test_not_lost_the_peer_s_end_is_reported_tell_the_life_cycle(run_async, end):
    async def act():
        living = await opened()
        living.server.tell(end)
        await living.task
        assert living.handler.reasons == [end]
        assert living.bridge.state is State.LOST

    run_async(act())


def test_not_lost_the_server_s_end_is_reported_drain_without_the_peer(run_async):
    async def act():
        living = await opened()
        living.server.tell("WAIT", Shutdown())
        await until(lambda: living.bridge.state is State.LOST)
        assert living.handler.reasons == []
        living.handler.go_on.set()
        await living.task
        assert living.handler.reasons == [Shutdown()]
        assert living.server.sent == living.server.closed == []

    run_async(act())


def test_not_lost_the_server_cannot_send_tell_the_life_cycle_a_second_later(run_async):
    async def act():
        living = await opened()
        living.server.peer_gone = True
        begun = asyncio.get_running_loop().time()
        living.handler.ref.send("one")
        await until(lambda: living.bridge.state is State.LOST)
        assert living.handler.reasons == []
        await living.task
        assert living.handler.reasons == [Remote(1006)]
        assert asyncio.get_running_loop().time() - begun >= 0.9

    run_async(act())


def test_not_lost_the_server_cancels_run_drain_for_a_second_then_let_go(run_async):
    async def act():
        living = await opened()
        living.server.tell("WAIT")
        await until(lambda: living.handler.messages)
        living.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await living.task
        assert living.handler.reasons == [Shutdown()]
        assert [code for code, _ in living.server.closed] == [1012]
        assert living.bridge.state is State.LOST

    run_async(act())


def test_lost_the_life_cycle_closes_send_nothing(run_async):
    async def act():
        living = await opened()
        living.server.tell("STOP", Remote(1006))
        await until(lambda: living.bridge.state is State.LOST)
        living.handler.go_on.set()
        await living.task
        assert living.server.closed == []

    run_async(act())


def test_any_the_life_cycle_is_over_end_all_tasks_run_returns(run_async):
    async def act():
        before = asyncio.all_tasks()
        living = await opened()
        assert len(asyncio.all_tasks() - before) == 2
        living.handler.ref.stop()
        await living.task
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    run_async(act())
