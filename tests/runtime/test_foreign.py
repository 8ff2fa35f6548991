"""What a `Bridge` asks of a connection in a server that is not ours."""

import asyncio

import pytest

from sock import Ping, Pong, Prepared, Text
from sock.runtime.foreign import forget, let_go, size_of


@pytest.mark.parametrize(
    "message", ["1234", b"1234", Text(b"1234"), Prepared("1234"), Ping(b"1234"), Pong(b"1234")]
)
def test_a_message_has_a_size(message):
    assert size_of(message) == 4


def test_who_waits_is_let_go_once(run_async):
    async def act():
        future = asyncio.get_running_loop().create_future()
        let_go(future)
        let_go(future)
        await future

        async def fails():
            raise LookupError

        for task in (asyncio.ensure_future(fails()), asyncio.ensure_future(asyncio.sleep(9))):
            if task.get_coro().__name__ == "sleep":
                task.cancel()
            await asyncio.wait({task})
            forget(task)

    run_async(act())
