"""The limits of the server hold for all workers together."""

import pytest
import websockets

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


def test_each_worker_has_its_share_of_the_connections(workers, run_async):
    served = workers("served:app", "--workers", "2", "--max-connections", "2")

    async def act():
        refusals = []
        for _ in range(40):  # the kernel gives them to both workers
            try:
                await served.connect()
            except websockets.InvalidStatus as error:
                refusals.append(error.response.status_code)
        await served.close_clients()
        return refusals

    assert run_async(act()) == [503] * 38
    assert served.stop() == 0
