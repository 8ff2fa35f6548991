"""Work in steps: what is awaited, and what comes of it."""

import asyncio

import pytest

from sock.channels.steps import Overdue, StepRunner, Within

pytestmark = pytest.mark.one_form


class Ref:
    closed = False


async def answer(value):
    await asyncio.sleep(0)
    return value


async def fail(error):
    raise error


def run(steps, late=(), act=None):
    """Run steps to their end; return the frames that they yield."""
    runner = StepRunner(Ref())
    waiting = list(late)

    def take_late():
        while waiting:
            yield waiting.pop(0)

    async def whole():
        awaited = next(steps, None)
        if act is not None:
            asyncio.get_running_loop().call_later(0.01, act, runner)
        return (
            [] if awaited is None else [one async for one in runner.run(steps, awaited, take_late)]
        )

    return asyncio.run(asyncio.wait_for(whole(), 30))


def test_steps_get_the_result_of_what_they_yield():
    got = []

    def steps():
        got.append((yield answer(1)))
        got.append((yield Within(answer(2), 10)))

    assert run(steps(), late=["a", "b"]) == ["a", "b"]
    assert got == [1, 2]


def test_steps_get_the_exception_of_what_they_yield_and_may_go_on():
    got = []

    def steps():
        for error in (ValueError("x"), TimeoutError("its own")):
            try:
                yield Within(fail(error), 10)
            except Exception as raised:
                got.append(raised)
        got.append((yield answer("on")))

    run(steps())
    assert [str(one) for one in got] == ["x", "its own", "on"]


def test_what_takes_too_long_is_overdue():
    got = []

    def steps():
        try:
            yield Within(asyncio.sleep(100), 0.01)
        except Overdue:
            got.append("overdue")

    run(steps())
    assert got == ["overdue"]


def test_what_is_interrupted_is_overdue():
    got = []

    def steps():
        try:
            yield asyncio.sleep(100)
        except Overdue:
            got.append("overdue")

    run(steps(), act=StepRunner.interrupt)
    assert got == ["overdue"]
    StepRunner(Ref()).interrupt()  # nothing is awaited


def test_a_callback_that_cancels_itself_has_failed():
    got = []

    def steps():
        try:
            yield fail(asyncio.CancelledError())
        except RuntimeError as error:
            got.append(str(error))

    run(steps())
    assert got == ["a callback was cancelled"]


@pytest.mark.parametrize("method", ["run", "exhaust"])
def test_a_cancellation_from_outside_ends_the_work(method):
    ended = []

    def steps():
        try:
            yield asyncio.sleep(100)
        except GeneratorExit:
            ended.append("closed")
            raise

    async def whole():
        work = steps()
        runner = StepRunner(Ref())
        if method == "run":
            frames = runner.run(work, next(work), lambda: iter(()))
            task = asyncio.ensure_future(anext(frames, None))
        else:
            task = asyncio.ensure_future(runner.exhaust(work, next(work)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(whole())
    assert ended == ["closed"]
