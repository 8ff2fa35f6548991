"""The table of a worker slot, row by row. Its workers only note what they hear."""

import asyncio

import pytest

from sock.server.supervisor.process import State
from sock.server.supervisor.slot import Slot, SlotState

pytestmark = pytest.mark.one_form


class Worker:
    def __init__(self, slot):
        self.slot, self.state, self.heard = slot, State.STARTING, []
        self.exit_code, self.served = None, 0.0

    def get_ready(self):
        self.state = State.READY
        self.slot.worker_ready(self)

    def drain(self):
        self.state = State.DRAINING
        self.heard.append("drain")

    def drain_by_itself(self):
        self.state = State.DRAINING
        self.slot.worker_draining(self)

    def kill(self):
        self.heard.append("kill")

    def end(self, code=1):
        self.state, self.exit_code = State.GONE, code
        self.slot.worker_ended(self)


class Loop:
    """Notes what is to be done later."""

    def __init__(self, real):
        self.create_future, self.waits, self.actions = real.create_future, [], []

    def call_later(self, seconds, action):
        self.waits.append(seconds)
        self.actions.append(action)
        return asyncio.get_running_loop().call_later(1000, print)

    def pass_time(self):
        self.actions.pop()()


@pytest.fixture
def walk(run_async):
    """Run a test with a slot, the workers that it starts, and its clock."""

    def run(test):
        async def act():
            workers, failed = [], []

            def spawn(slot):
                workers.append(Worker(slot))
                return workers[-1]

            slot = Slot(0, spawn, lambda _: None, lambda slot: failed.append(slot.state))
            slot._loop = Loop(asyncio.get_running_loop())
            slot.failed_in = failed
            test(slot, workers)

        run_async(act())

    return run


def serving(slot, workers):
    outcome = slot.start()
    workers[0].get_ready()
    return outcome


def test_a_worker_that_is_ready_serves(walk):
    def test(slot, workers):
        outcome = slot.start()
        assert slot.state is SlotState.STARTING
        workers[0].get_ready()
        assert slot.state is SlotState.SERVING
        assert outcome.result() is True

    walk(test)


def test_the_first_worker_of_a_server_is_not_started_again(walk):
    def test(slot, workers):
        outcome = slot.start(first=True)
        workers[0].end(2)
        assert (outcome.result(), slot.state, slot.last_exit) == (False, SlotState.EMPTY, 2)
        assert slot._loop.waits == []

    walk(test)


def test_a_worker_that_dies_at_start_for_ever_is_started_less_and_less_often(walk):
    def test(slot, workers):
        outcome = slot.start()
        for _ in range(8):
            workers[-1].end()
            assert slot.state is SlotState.WAITING
            slot._loop.pass_time()
            assert slot.state is SlotState.STARTING
        assert outcome.result() is False
        assert slot._loop.waits == [1, 2, 4, 8, 16, 30, 30, 30]
        assert slot.failed_in == [SlotState.WAITING] * 8

    walk(test)


def test_a_worker_that_dies_is_replaced_at_once_and_then_less_and_less_often(walk):
    def test(slot, workers):
        serving(slot, workers)
        workers[0].end(-9)
        assert slot.state is SlotState.STARTING
        assert slot._loop.waits == []
        assert slot.failed_in == []  # it had been ready
        for wait in (1, 2, 4):
            workers[-1].get_ready()
            workers[-1].end(-9)
            assert slot._loop.waits[-1] == wait
            slot._loop.pass_time()
        workers[-1].get_ready()
        workers[-1].served = 31.0
        workers[-1].end(-9)
        assert slot.state is SlotState.STARTING

    walk(test)


def test_a_successor_is_ready_before_the_old_worker_drains(walk):
    def test(slot, workers):
        serving(slot, workers)
        outcome = slot.replace()
        assert (slot.state, workers[0].heard) == (SlotState.REPLACING, [])
        workers[1].get_ready()
        assert (slot.state, workers[0].heard) == (SlotState.SERVING, ["drain"])
        assert outcome.result() is True
        assert slot.workers() == [workers[1], workers[0]]
        workers[0].end(0)
        assert (slot.state, slot.workers()) == (SlotState.SERVING, [workers[1]])

    walk(test)


def test_where_the_successor_cannot_start_the_old_worker_goes_on(walk):
    def test(slot, workers):
        serving(slot, workers)
        outcome = slot.replace()
        workers[1].end(1)
        assert outcome.result() is False
        assert (slot.state, slot.serving) == (SlotState.SERVING, workers[0])
        assert (workers[0].heard, slot.last_exit) == ([], 1)

    walk(test)


@pytest.mark.parametrize("how", ["end", "drain_by_itself"])
def test_where_the_old_worker_goes_first_the_successor_is_the_slots_worker(walk, how):
    def test(slot, workers):
        serving(slot, workers)
        outcome = slot.replace()
        getattr(workers[0], how)()
        assert slot.state is SlotState.STARTING
        workers[1].get_ready()
        assert (slot.state, slot.serving, len(workers)) == (SlotState.SERVING, workers[1], 2)
        assert outcome.result() is True

    walk(test)


def test_another_replace_starts_another_successor(walk):
    def test(slot, workers):
        serving(slot, workers)
        first = slot.replace()
        assert slot.replace() is first
        assert workers[1].heard == ["kill"]
        workers[1].end(-9)
        assert (slot.state, first.done()) == (SlotState.REPLACING, False)
        workers[2].get_ready()
        assert (slot.serving, first.result()) == (workers[2], True)

    walk(test)


@pytest.mark.parametrize("waiting", [True, False])
def test_a_replace_while_no_worker_serves_starts_one_at_once(walk, waiting):
    def test(slot, workers):
        slot.start()
        if waiting:
            workers[0].end()
        slot.replace()
        assert slot.state is SlotState.STARTING
        workers[-1].get_ready()
        assert (slot.state, len(workers)) == (SlotState.SERVING, 2)

    walk(test)


def test_a_worker_that_drains_by_itself_gets_a_successor(walk):
    def test(slot, workers):
        serving(slot, workers)
        workers[0].drain_by_itself()
        assert slot.state is SlotState.STARTING
        workers[1].get_ready()
        workers[0].end(0)
        assert (slot.state, slot.workers()) == (SlotState.SERVING, [workers[1]])

    walk(test)


def test_a_stop_drains_the_worker_and_kills_the_successor(walk):
    def test(slot, workers):
        serving(slot, workers)
        outcome = slot.replace()
        slot.stop()
        assert (workers[0].heard, workers[1].heard) == (["drain"], ["kill"])
        assert (slot.state, outcome.result()) == (SlotState.ENDING, False)
        workers[1].end(-9)
        assert slot.state is SlotState.ENDING
        workers[0].end(0)
        assert (slot.state, len(workers)) == (SlotState.EMPTY, 2)

    walk(test)


def test_a_process_that_cannot_be_started_is_tried_again(run_async):
    async def act():
        def spawn(slot):
            raise OSError(11, "Resource temporarily unavailable")

        slot = Slot(0, spawn, lambda _: None)
        slot._loop = Loop(asyncio.get_running_loop())
        outcome = slot.start()
        assert (outcome.result(), slot.state) == (False, SlotState.WAITING)
        assert slot._loop.waits == [1]

    run_async(act())
