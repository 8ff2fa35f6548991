"""Coroutines that live and end together."""

import asyncio
import contextlib

import pytest

from sock.pubsub.backends.together import cancelled, together

pytestmark = pytest.mark.one_form


def test_when_one_fails_the_others_have_ended_and_its_exception_is_raised():
    ended = []

    async def fails():
        await asyncio.sleep(0)
        raise OSError("gone")

    async def waits():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    with pytest.raises(OSError, match="gone"):
        asyncio.run(together(waits(), fails(), waits()))
    assert ended == ["waits", "waits"]


def test_a_task_that_loses_a_cancellation_is_cancelled_again():
    async def deaf():
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def body():
        task = asyncio.ensure_future(deaf())
        await asyncio.sleep(0)
        await cancelled(task)
        assert task.cancelled()

    asyncio.run(asyncio.wait_for(body(), 30))
