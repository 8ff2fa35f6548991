"""One worker as the supervisor sees it."""

import re

import pytest

from tests.server.supervisor.command import code_of

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


def test_a_worker_that_blocks_its_loop_writes_its_stacks_and_is_replaced(workers, run_async):
    served = workers("served:app", "--workers", "1", "--worker-timeout", "3", count=1)

    async def act():
        client = await served.connect()
        await client.recv()
        await client.send("block")
        assert await code_of(client) is None
        again = await served.connect()  # waits in the backlog until there is a worker
        assert (await again.recv()).startswith("1 ")
        await again.close()
        await served.close_clients()

    run_async(act())
    assert "has blocked its event loop for" in served.said
    assert re.search(r'served.py", line \d+ in handle_in', served.said)
    assert served.stop() == 0
