"""examples/toy_host.py, a host in under 100 lines, against the matrix that every host must pass."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from examples.toy_host import Toy
from sock.hosting.members import Members
from sock.observe import log
from sock.testing import contract

LIMITS = ["heads", "lifespan", "requests"]
LEFT_OUT = {
    "what_is_no_request_is_refused_and_nothing_behind_it_is_read",
    "a_length_of_many_digits_in_a_head_is_refused",
    "a_peer_that_is_lost_before_init_is_never_live",
}
"""Cases for a whole HTTP server, which finds fault with more, and reads while the application is
asked."""

SOURCE = Path(__file__).parents[2] / "examples" / "toy_host.py"


def test_it_is_under_a_hundred_lines():
    assert len(SOURCE.read_text().splitlines()) < 100


@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
def test_it_passes_the_whole_contract(run_async, reactor_kind, loop_kind):
    failed = {}

    async def act():
        log.attach()  # as its `main` does
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Toy(contract.app), "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        cases = [case for case in contract.CASES if case.name not in LEFT_OUT]

        async def drain():
            server.close()
            await Members.of(loop).drain(contract.DRAIN_BOUND)

        verdicts = contract.check_all(url, cases, limits=LIMITS, drain=drain, patience=10)
        async for verdict in verdicts:
            if verdict.outcome is contract.Outcome.FAILED:
                failed[verdict.case.name] = verdict.text

    run_async(act())
    assert failed == {}
