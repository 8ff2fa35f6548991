import pytest

from sock.testing.wire import Fell, Level, Target, Verdict, run_cases, try_case
from sock.testing.wire.case import Section
from sock.testing.wire.fell import Skipped

from .conftest import Naive, serving

pytestmark = pytest.mark.one_form


def made(*conversations, should=False, alone=False):
    section = Section(1, "one", "One", "because", alone=alone)
    for number, (conversation, needs) in enumerate(conversations):
        register = section.should if should else section.must
        register("RFC 6455 §1", f"Number {number}.", *needs)(conversation)
    return section.cases


@pytest.fixture
def ran(run_async):
    """Run cases against the server that checks nothing."""

    def ran(cases, **options):
        async def main():
            async with serving(Naive()) as target:
                return await run_cases(target, cases, **{"patience": 2.0, **options})

        return run_async(main())

    return ran


async def holds(probe):
    await probe.open()


async def falls(probe):
    raise Fell("this", "that")


async def remarks(probe):
    probe.remark("this", "that")


async def skips(probe):
    raise Skipped("not here")


def test_each_case_gets_its_verdict_in_the_order_of_the_numbers(ran):
    run = ran(made((falls, ()), (holds, ()), (remarks, ()), (skips, ()), (holds, ("compression",))))
    assert [one.verdict for one in run.outcomes] == [
        Verdict.FELL,
        Verdict.HELD,
        Verdict.REMARK,
        Verdict.SKIPPED,
        Verdict.SKIPPED,
    ]
    assert (run.outcomes[0].expected, run.outcomes[0].seen) == ("this", "that")
    assert run.has == {"echo", "binary"}
    assert run.count(Verdict.SKIPPED) == 2


def test_a_should_is_never_more_than_a_remark(ran):
    run = ran(made((falls, ()), should=True))
    assert run.outcomes[0].verdict is Verdict.REMARK
    assert run.outcomes[0].case.level is Level.SHOULD


def test_what_falls_only_once_has_held(ran):
    tries = []

    async def falls_once(probe):
        tries.append(1)
        if len(tries) == 1:
            raise Fell("this", "that")

    for alone in (False, True):
        tries.clear()
        run = ran(made((falls_once, ()), alone=alone))
        assert run.outcomes[0].verdict is Verdict.HELD
        assert len(tries) == 2


def test_when_the_time_is_over_the_rest_is_not_run(ran):
    run = ran(made((holds, ()), alone=True), within=0)
    assert run.outcomes[0].verdict is Verdict.NOT_RUN


def test_a_case_that_does_not_end_is_cut(run_async):
    async def waits(probe):
        import asyncio

        await asyncio.Event().wait()

    (case,) = made((waits, ()))
    outcome = run_async(try_case(Target("127.0.0.1", 1), case, within=0.05))
    assert (outcome.verdict, outcome.seen) == (Verdict.FELL, "it was cut")


def test_a_server_that_answers_no_handshake_is_told_at_once(run_async):
    with pytest.raises(Fell):
        run_async(run_cases(Target("127.0.0.1", 1), made((holds, ()))))


def test_the_bytes_that_were_sent_are_counted(ran):
    assert ran(made((holds, ()))).sent > 100
