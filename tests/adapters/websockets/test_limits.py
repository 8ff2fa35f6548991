"""What websockets' asyncio server cannot do as a host is seen by an application."""

from __future__ import annotations

import json

from websockets.asyncio.server import serve

from sock import Sock, Stop
from sock.adapters import websockets as adapter
from tests.adapters.websockets.serving import serving


def test_an_application_sees_its_host(run_async, says_host, host_on):
    """[S0.3] [S0.8]"""

    async def act():
        async with serving(says_host) as (_, port):
            host = await host_on(port)
            assert host == adapter.HOST
            assert "S5.3" in host.declared
            assert "S1.6" not in host.declared

    run_async(act())


def test_a_handler_of_websockets_is_called_after_the_101(run_async, host_on):
    """[S0.3] [S0.8] [S1.6]"""
    seen = []

    class Notes(Sock):
        def init(self, ref):
            seen.append(ref.request.host)
            return Stop(messages=json.dumps(["", "", []]))

    async def act():
        async def handler(connection):
            await adapter.upgrade(connection, Notes(None))

        async with serve(handler, "127.0.0.1", 0) as server:
            await host_on(server.sockets[0].getsockname()[1])
        assert {"S1.6", *adapter.HOST.declared} <= seen[0].declared
        assert seen[0].name == "websockets"

    run_async(act())
