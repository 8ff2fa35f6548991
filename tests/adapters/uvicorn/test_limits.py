"""What is left to uvicorn as a host, with our protocol, is seen by an application."""

from __future__ import annotations

import pytest

pytest.importorskip("uvicorn")
import sock
from sock.adapters import asgi
from sock.adapters import uvicorn as adapter
from sock.testing.client import Client
from tests.adapters.uvicorn.applications import in_a_route


@pytest.mark.parametrize(
    ("ws", "host"),
    [("sock.adapters.uvicorn:SockProtocol", adapter.HOST), ("websockets-sansio", asgi.HOST)],
)
def test_an_application_sees_its_host(run_async, uvicorn_serving, says_host, host_on, ws, host):
    """[S0.3] [S0.8]"""

    async def act():
        async with uvicorn_serving(sock.asgi(says_host), ws=ws) as served:
            assert await host_on(served.port) == host

    run_async(act())


@pytest.mark.parametrize(
    ("ws", "host"),
    [("sock.adapters.uvicorn:SockProtocol", adapter.HOST), ("websockets-sansio", asgi.HOST)],
)
def test_a_ref_in_a_route_has_the_host(run_async, uvicorn_serving, ws, host):
    """[S0.8]"""
    seen = []

    class Notes(sock.Sock):
        def init(self, ref):
            seen.append(ref.request.host)
            return sock.Stop()

    async def route(websocket):
        await asgi.upgrade(websocket, Notes(None))

    async def act():
        async with uvicorn_serving(in_a_route(route), ws=ws) as served:
            async with await Client.connect(f"ws://127.0.0.1:{served.port}/") as client:
                await client.receive()
        assert seen == [host]

    run_async(act())


def test_it_declares_no_statement_about_a_connection():
    assert adapter.HOST.name == "uvicorn"
    assert not {"S5.3", "S7.8", "S11.1"} & adapter.HOST.declared
