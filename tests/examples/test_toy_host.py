"""examples/toy_host.py, a host in under 100 lines, against the matrix that every host must pass."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from examples.toy_host import Toy
from sock.hosting.members import Members
from sock.observe import log
from sock.testing import contract

SOURCE = Path(__file__).parents[2] / "examples" / "toy_host.py"


def test_it_is_under_a_hundred_lines():
    assert len(SOURCE.read_text().splitlines()) < 100


@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
def test_it_passes_the_whole_contract(run_async, reactor_kind, loop_kind):
    failed = {}

    async def one(url, case, **how):
        try:
            await contract.check(url, case, patience=10, **how)
        except contract.Failure as failure:
            failed[case.name] = str(failure)
        except contract.Skipped:
            pass

    async def act():
        log.attach()  # as its `main` does
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Toy(contract.app), "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        cases = list(contract.CASES)
        while batch := cases[:10]:
            del cases[:10]
            await asyncio.gather(*(one(url, case) for case in batch))

        async def drain():
            server.close()
            await Members.of(loop).drain(5)

        for case in contract.CASES:
            if "drain" in case.needs:
                await one(url, case, drain=drain)

    run_async(act())
    assert failed == {}
