"""examples/prices.py"""

from __future__ import annotations

import asyncio

import websockets

from examples import prices
from sock import testing


def test_all_who_look_are_told_the_same_price():
    with testing.open(prices.app) as ada, testing.open(prices.app) as bob:
        assert ada.pushed() == bob.pushed() == ["100.00"]
        ada.advance(prices.PAUSE * 2.5)
        told = ada.pushed()
        assert len(told) == 2
        assert bob.pushed() == told


def test_who_has_left_is_forgotten():
    market = prices.Market()
    with testing.open(prices.app, testing.request(state={"market": market})):
        assert len(market.watchers) == 1
    assert market.watchers == set()


def test_a_real_client_is_told_until_the_server_stops(serve):
    server = serve("examples.prices:app", 0, "--health", "/healthz")

    async def scenario():
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/") as client:
            assert await client.recv() == "100.00"
            float(await client.recv())
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nok")
        writer.close()

    asyncio.run(scenario())
    assert server.stop() == 0
    assert "not waited for" not in server.output
