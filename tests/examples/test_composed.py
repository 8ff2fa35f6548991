"""examples/composed.py"""

from __future__ import annotations

import asyncio
import logging

import pytest
import websockets

from examples import composed
from sock import testing


@pytest.fixture(autouse=True)
def _counted_anew():
    composed.counts.clear()


def test_the_room_begins_with_the_token():
    with testing.open(composed.app, "/rooms/red") as session:
        session.receive("tok-4fd1c7", "hello")
        assert session.pushed() == ["welcome to red, ada", "ada: hello"]
        session.receive(b"binary")
        assert session.code == 1003


@pytest.mark.parametrize("first", ["guessed", ""])
def test_another_token_ends_the_connection(first):
    with testing.open(composed.app, "/rooms/red") as session:
        session.receive(first)
        assert (session.code, session.detail) == (3000, "no such token")


def test_a_peer_without_a_token_is_not_kept():
    with testing.open(composed.app, "/rooms/red") as session:
        session.advance(composed.PATIENCE)
        assert (session.code, session.detail) == (3000, "no token in time")


def test_a_peer_that_sends_too_much_is_sent_away():
    with testing.open(composed.app, "/rooms/red") as session:
        session.receive("tok-4fd1c7", *["hello"] * 50)
        assert session.code == 1008
        assert 20 <= len(session.pushed()) < 50


def test_messages_are_logged_without_their_content(caplog):
    caplog.set_level(logging.INFO, "messages")
    with testing.open(composed.app, "/rooms/red") as session:
        session.receive("tok-4fd1c7")
    assert caplog.messages == ["< str of 10", "> str"]


def test_a_real_client_is_counted(serve):
    server = serve("examples.composed:app", 0, "--health", "/healthz")

    async def scenario():
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/rooms/red") as client:
            await client.send("tok-4fd1c7")
            assert await client.recv() == "welcome to red, ada"
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        told = await reader.read()
        writer.close()
        for line in (
            "connections_open 0",
            "ends_total_remote 1",
            "messages_received_total 1",
            "messages_sent_total 1",
        ):
            assert f"sock_{line}\n".encode() in told

    asyncio.run(scenario())
    assert server.stop() == 0
