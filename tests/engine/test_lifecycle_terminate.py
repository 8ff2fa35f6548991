"""`terminate` comes last, once, and delays nothing. Rules 6 and 8."""

from contextlib import suppress

import pytest

from sock import Remote, Stop, Stream

OOPS = OSError("disk full")


def raises(error):
    def callback(argument):
        raise error

    return callback


async def fails(argument):
    raise OOPS


@pytest.mark.parametrize("error", [OOPS, GeneratorExit("as from future.result()")], ids=repr)
def test_terminate_that_raises_is_logged_and_nothing_else(connect, closed, error):
    """Rules 6 and 8."""
    c = connect(terminate=raises(error))
    c.life.timed_out()
    assert c.failures == [("Handler.terminate", error)]
    assert len(c.saw) == 1
    assert c.host.ended


@pytest.mark.parametrize("eager", [False, True])
def test_terminate_that_raises_after_it_has_waited_is_logged_and_nothing_else(connect, eager):
    """Rules 6 and 8."""
    c = connect(terminate=fails, eager=eager)
    c.life.timed_out()
    c.host.settle_down()
    assert c.failures == [("Handler.terminate", OOPS)]
    assert c.host.ended


async def numbers():
    yield "1"


@pytest.mark.parametrize("result", ["text", Stop(4000), 7, [None], Stream(numbers()), numbers()])
@pytest.mark.parametrize("waits", [False, True])
def test_the_result_of_terminate_is_ignored(connect, result, waits):
    """Rule 8."""

    async def terminate(reason):
        return result

    c = connect(terminate=terminate if waits else lambda reason: result)
    c.life.timed_out()
    assert [one.code for one in c.saw] == [3008]
    assert c.failures == []
    assert c.host.ended


@pytest.mark.parametrize("waits", [False, True])
def test_terminate_does_not_delay_the_close_frame(connect, gate, waits):
    """Rule 8."""
    seen = []

    async def waiting(reason):
        await gate

    def terminate(reason):
        seen.append([one.code for one in c.saw])
        return waiting(reason) if waits else None

    c = connect(terminate=terminate)
    c.life.shutdown(30)
    assert seen == [[1012]]
    gate.open()
    assert c.host.ended


def test_nothing_that_terminate_does_goes_on_after_the_end(connect, gate):
    """Rule 8."""
    left = []

    async def task():
        try:
            await gate
        finally:
            left.append("task")

    def terminate(reason):
        c.host.ref.send("info")
        c.life.shutdown(30)
        c.life.lost()
        c.life.receive("message")
        job = c.host.spawn(task())
        job.handle.go_on()

    c = connect(terminate=terminate)
    c.life.peer_closed(1000, "", 1000)
    c.host.settle_down()
    assert left == ["task"]
    assert c.calls == ["init", "terminate"]
    assert c.host.ended


def test_terminate_that_hangs_does_not_hold_up_others_that_hang(connect, gate):
    """What was abandoned is told once."""

    async def stubborn(argument):
        for _ in range(3):
            with suppress(BaseException):
                await gate

    c = connect(init=stubborn, terminate=stubborn, close_timeout=1)
    c.life.timed_out()
    for _ in range(3):
        c.alarm()
        c.host.turn()
    assert c.abandoned == ["Handler.init", "Handler.terminate"]
    assert c.host.ended
    gate.open()
    assert c.failures == []


def test_a_task_that_was_spawned_by_terminate_and_raises_after_the_end_is_logged(connect, gate):
    """Rule 6: the end does not wait for it, and it may resist its cancellation."""

    async def stubborn():
        with suppress(BaseException):
            await type(gate)()
        await gate

    async def terminate(reason):
        c.host.spawn(stubborn())

    c = connect(terminate=terminate)
    c.life.peer_closed(1000, "", 1000)
    c.host.settle_down()
    assert c.host.ended
    gate.fail(OOPS)
    assert c.failures == [("Handler.spawn", OOPS)]


def test_what_was_abandoned_and_raises_later_is_logged(connect, gate):
    """Rule 6."""

    async def stubborn(argument):
        try:
            await gate
        except BaseException:
            await gate

    c = connect(handle_in=stubborn)
    c.receive("m")
    c.life.lost()
    c.alarm()
    c.host.turn()
    c.alarm()
    assert c.host.ended
    gate.fail(OOPS)
    assert c.failures == [("Handler.handle_in", OOPS)]
    assert c.reasons == [Remote(1006)]


def test_terminate_comes_after_the_finally_of_all_that_ran(connect, gate):
    """Rules 4 and 8."""
    story = []

    async def endless(what):
        try:
            yield what
            await gate
        finally:
            story.append(what)

    c = connect(
        init=lambda ref: Stream(endless("stream")),
        handle_in=lambda message: endless("generator"),
        terminate=lambda reason: story.append("terminate"),
    )
    c.receive("m")
    c.life.lost()
    c.host.turn()
    assert sorted(story[:2]) == ["generator", "stream"]
    assert story[2:] == ["terminate"]


def test_a_life_that_is_over_may_forget_its_cause_whose_exception_knows_the_connection(connect):
    """Rule 6."""
    c = connect(handle_in=raises(OOPS))
    c.life.receive("text")
    assert c.life.cause.reason.error is OOPS
    c.life.forget()
    assert c.life.cause is None
    assert c.life.on_text is None


def test_a_life_with_work_that_was_abandoned_forgets_nothing(connect, gate):
    """Rule 8: what ends too late has a name to be told by."""
    lingering = type(gate)()

    async def init(ref):
        try:
            await gate
        finally:
            await lingering

    c = connect(init=init)
    c.life.lost()
    c.alarm()
    c.host.turn()
    c.alarm()
    assert c.abandoned == ["Handler.init"]
    c.life.forget()
    assert c.life.qualified_name("init") == "Handler.init"
    lingering.open()
