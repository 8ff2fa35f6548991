"""Other people's servers, in this process, on a free port of loopback; and the whole contract."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
from types import SimpleNamespace

import pytest

from sock import Host, Sock
from sock.testing import contract
from sock.testing.client import Client
from tests.adapters.peers import leaving as leaving
from tests.certificate import tls as tls

# A host that is missing skips its tests; where it was asked for, that is an error.
if {"all", "hosts"} & set(os.environ.get("SOCK_REQUIRE", "").split(",")):
    for name in (
        *(
            "aioquic",
            "aiohttp",
            "channels",
            "cheroot",
            "daphne",
            "django",
            "eventlet",
            "fastapi",
            "flask",
            "granian",
            "gunicorn",
            "h2",
        ),
        *(
            "httpx2",
            "httpx_ws",
            "hypercorn",
            "litestar",
            "quart",
            "starlette",
            "tornado",
            "uvicorn",
            "waitress",
            "zttp",
        ),
    ):
        if importlib.util.find_spec(name) is None:
            raise ImportError(f"SOCK_REQUIRE demands the hosts, and {name} is not installed")

BOUND = 15.0
_AT_ONCE = 10


@contextlib.asynccontextmanager
async def _uvicorn(app, *, ws="sock.adapters.uvicorn:SockProtocol", **options):
    import uvicorn

    config = uvicorn.Config(
        app, port=0, ws=ws, log_config=None, log_level="error", loop="none", **options
    )
    started = asyncio.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets=sockets)
            started.set()

    server = Server(config)
    running = asyncio.ensure_future(server.serve())
    try:
        starting = asyncio.ensure_future(started.wait())
        await asyncio.wait({running, starting}, return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        assert server.started, running.exception()
        port = server.servers[0].sockets[0].getsockname()[1]

        async def stop():
            server.should_exit = True
            await running

        yield SimpleNamespace(port=port, stop=stop, server=server)
    finally:
        server.should_exit = True
        await asyncio.wait({running}, timeout=BOUND)


@pytest.fixture
def uvicorn_serving():
    """Serve an ASGI application with uvicorn, our protocol in it."""
    pytest.importorskip("uvicorn")
    return _uvicorn


async def _prove(port, *, limits=(), drain=None):
    """Run all cases of the contract; those that stop the host come last."""
    failed, skipped = {}, []
    async for verdict in contract.check_all(
        f"ws://127.0.0.1:{port}",
        contract.CASES,
        limits=limits,
        drain=drain,
        patience=10,
        side_by_side=_AT_ONCE,
        try_again=True,
    ):
        if verdict.outcome is contract.Outcome.FAILED:
            failed[verdict.case.name] = verdict.text
        elif verdict.outcome is contract.Outcome.SKIPPED:
            skipped.append(verdict.case.name)
    assert failed == {}
    return skipped


@pytest.fixture
def prove():
    """Hold the whole contract against a host on a port."""
    return _prove


class SaysHost(Sock):
    """Tells its peer what `request.host` is."""

    def __init__(self, request):
        self.host = request.host

    def init(self, ref):
        assert ref.request.host is self.host
        host = self.host
        return json.dumps([host.name, host.specification, sorted(host.declared)])


@pytest.fixture
def says_host():
    """An application that tells its peer what `request.host` is."""
    return SaysHost


@pytest.fixture
def host_on():
    """Return a function that returns the `request.host` of a `SaysHost` on a port."""

    async def ask(port, path="/"):
        async with await Client.connect(f"ws://127.0.0.1:{port}{path}") as client:
            name, specification, declared = json.loads(await client.receive())
        return Host(name, specification=specification, declared=declared)

    return ask
