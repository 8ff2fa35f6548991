import asyncio
import os
import sys

import pytest

from sock.cli.check.watch import Sample, Watch, Watched, can_watch, sample

pytestmark = [
    pytest.mark.one_form,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc"),
]


def test_a_process_has_memory_and_descriptors():
    now = sample(os.getpid())
    assert now.memory > 2**20
    assert now.descriptors >= 3
    assert can_watch(os.getpid())


def test_a_process_that_does_not_exist_cannot_be_watched():
    assert not can_watch(2**22 + 1)


def test_the_most_and_the_last_are_told(run_async):
    async def main():
        async with Watch(os.getpid()) as watch:
            pipes = [os.pipe() for _ in range(20)]
            await asyncio.sleep(0.5)
            for pipe in pipes:
                os.close(pipe[0])
                os.close(pipe[1])
        return watch.result

    watched = run_async(main())
    assert watched.peak.descriptors >= watched.before.descriptors + 40
    assert watched.after.descriptors < watched.before.descriptors + 10
    assert watched.growth == []


def test_a_process_that_has_ended_has_no_result(run_async):
    async def main():
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=-1)
        async with Watch(process.pid) as watch:
            process.kill()
            await process.wait()
        process._transport.close()
        return watch.result

    assert run_async(main()) is None


def test_what_stays_is_growth():
    small, large = Sample(0, 5, 0), Sample(100 * 2**20, 50, 0)
    assert len(Watched(small, large, large).growth) == 2
    assert Watched(small, small, large).growth == []
