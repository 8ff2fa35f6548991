"""examples/hosts: complete hosts in under 100 lines each, against the suite for every host."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from sock import Compression, Options, Sock, Upgrade, telemetry
from sock.hosting.members import Members
from sock.observe import log
from sock.testing import contract
from sock.testing.client import Client

FOLDER = Path(__file__).parents[2] / "examples" / "hosts"
LEFT_OUT = {
    "what_is_no_request_is_refused_and_nothing_behind_it_is_read",
    "a_length_of_many_digits_in_a_head_is_refused",
}
"""Cases about requests that only a whole HTTP server finds fault with."""


class Echo(Sock):
    def handle_in(self, message):
        return message


@pytest.mark.parametrize("source", sorted(FOLDER.glob("*.py")), ids=lambda source: source.name)
def test_a_host_is_under_a_hundred_lines(source):
    lines = [line for line in source.read_text().splitlines() if line.strip()]
    assert len([line for line in lines if not line.startswith(("import ", "from "))]) < 100


async def prove(url, drain, limits):
    """Return the cases of the suite that fail, with what they say."""
    log.attach()  # as the main function of a host does
    cases = [case for case in contract.CASES if case.name not in LEFT_OUT]
    names = [limit.name for limit in limits]
    verdicts = contract.check_all(
        url, cases, limits=names, drain=drain, patience=10, try_again=True
    )
    return {
        verdict.case.name: verdict.text
        async for verdict in verdicts
        if verdict.outcome is contract.Outcome.FAILED
    }


@pytest.fixture
def run_bounded():
    """Run a coroutine that tries the whole suite, which takes longer than other tests."""
    return lambda coroutine: asyncio.run(asyncio.wait_for(coroutine, 150))


@contextlib.asynccontextmanager
async def serving(protocol):
    """Serve a protocol of asyncio's; give the address, and what drains it."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0)

    async def drain():
        await Members.of(loop).drain(5)
        server.close()

    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", drain
    finally:
        server.close()


@pytest.mark.one_form
@pytest.mark.timeout(170)
def test_the_host_that_gives_its_socket_away_passes_all_of_the_suite(run_bounded, reactor_kind):
    from examples.hosts.takeover import LIMITS, TakeoverHost

    async def act():
        async with serving(lambda: TakeoverHost(contract.app)) as (url, drain):
            assert await prove(url, drain, LIMITS) == {}

    run_bounded(act())


@pytest.mark.one_form
@pytest.mark.timeout(170)
def test_the_host_with_frames_of_its_own_passes_all_that_it_does_not_declare(run_bounded):
    pytest.importorskip("wsproto")
    from examples.hosts.engine import LIMITS, EngineHost

    async def act():
        async with serving(lambda: EngineHost(contract.app)) as (url, drain):
            assert await prove(url, drain, LIMITS) == {}

    run_bounded(act())


def test_the_host_with_frames_of_its_own_agrees_on_no_compression(run_bounded):
    pytest.importorskip("wsproto")
    from examples.hosts.engine import EngineHost

    def app(request):
        return Upgrade(Echo(request), options=Options(compression=True))

    async def act():
        async with serving(lambda: EngineHost(app)) as (url, drain):
            async with await Client.connect(url, compression=Compression()) as client:
                assert "sec-websocket-extensions" not in client.head.headers
                await client.send("text")
                assert await client.receive() == "text"
            await drain()

    seen = []
    unsubscribe = telemetry.subscribe(lambda event, fields: seen.append((event, fields)))
    try:
        run_bounded(act())
    finally:
        unsubscribe()
    needed = [fields["needed"] for event, fields in seen if event == "host.limited"]
    assert needed == ["compression"]


@pytest.mark.one_form
@pytest.mark.timeout(170)
def test_the_host_over_another_servers_websockets_passes_all_that_it_does_not_declare(run_bounded):
    web = pytest.importorskip("aiohttp.web")
    from examples.hosts.bridge import LIMITS, make

    async def act():
        # Its access log has whole targets, and the contract looks into the log of the process.
        runner = web.AppRunner(make(contract.app), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}"

        async def drain():
            await Members.of(asyncio.get_running_loop()).drain(5)

        try:
            assert await prove(url, drain, LIMITS) == {}
        finally:
            await runner.cleanup()

    run_bounded(act())
