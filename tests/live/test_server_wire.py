"""What a `Bridge` asks of a connection in a server that is not ours."""

import asyncio

from sock.live.server_wire import forget, let_go


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
