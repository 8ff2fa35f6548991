"""examples/echo.py"""

from __future__ import annotations

import asyncio

import websockets

from examples.echo import Echo
from sock import testing


def test_the_handler_is_tested_without_a_server():
    assert Echo(testing.request()).handle_in("hi") == "hi"


def test_a_real_client_gets_everything_back(serve):
    server = serve("examples.echo:Echo")

    async def scenario():
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/") as client:
            for message in ("text", b"\x00binary", "", "ä" * 100_000):
                await client.send(message)
                assert await client.recv() == message

    asyncio.run(scenario())
    assert server.stop() == 0
