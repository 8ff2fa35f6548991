"""A worker, and what it hears of its supervisor."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest
import websockets

from tests.server.supervisor.command import BOUND, code_of

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_all_workers_drain_on_sigterm_also_where_each_gets_it_too(workers, run_async):
    """systemd tells all processes of a service at once."""
    served = workers("served:app", "--workers", "2")

    async def act():
        clients = [await served.connect() for _ in range(20)]
        for client in clients:
            await client.recv()
        os.killpg(served.process.pid, signal.SIGTERM)
        assert set(await asyncio.gather(*map(code_of, clients))) == {1012}
        await served.close_clients()

    run_async(act())
    assert served.process.wait(BOUND) == 0
    assert (served.folder / "ends").read_text().count("end") == 20
    assert served.said.count("has ended with 0") == 2


def test_workers_drain_and_end_when_their_supervisor_is_killed(workers, run_async):
    served = workers("served:app", "--workers", "2")
    pids = [int(pid) for pid in re.findall(r"worker \d \((\d+)\) is ready", served.said)]

    async def act():
        client = await served.connect()
        await client.recv()
        served.signal(signal.SIGKILL)
        assert await code_of(client) == 1012
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.05)
        await served.close_clients()

    run_async(act())


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
