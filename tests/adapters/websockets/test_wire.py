"""A connection of websockets as the wire of a bridge: how it ends."""

from __future__ import annotations

import asyncio

import pytest
import websockets

from sock import (
    Failed,
    InvalidData,
    MessageTooBig,
    PeerTooSlow,
    ProtocolError,
    Shutdown,
    TimedOut,
)
from sock.testing.client import Client
from sock.testing.peer import frame
from tests.adapters.peers import HANDSHAKE
from tests.adapters.websockets.serving import Echo, serving
from tests.live_bridge import until


def test_a_peer_that_answers_no_pings_times_out_and_one_that_does_not(run_async):
    Echo.reasons.clear()

    async def act():
        async with serving(Echo, idle_timeout=0.5, ping_interval=0.1) as (_, port):
            url = f"ws://127.0.0.1:{port}/"
            answers = await websockets.connect(url)
            silent = await Client.connect(url)
            await until(lambda: Echo.reasons)
            await silent.__aexit__(None, None, None)
            await answers.send("still here")
            assert await answers.recv() == "still here"
            await answers.close()

    run_async(act())
    assert Echo.reasons[0] == TimedOut()


async def told():
    """Return what `terminate` is told."""
    await until(lambda: Echo.reasons)
    return Echo.reasons.pop()


def test_a_stop_without_a_drain_is_the_servers_end(run_async):
    Echo.reasons.clear()

    async def act():
        async with serving(Echo) as (server, port):
            client = await websockets.connect(f"ws://127.0.0.1:{port}/")
            server.close()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1001
            assert await told() == Shutdown()

    run_async(act())


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (frame(0x1, b"\xff"), InvalidData),
        (frame(0x3, b""), ProtocolError),
        (frame(0x1, b"x" * 200), MessageTooBig),
    ],
    ids=["text", "opcode", "size"],
)
def test_a_violation_that_websockets_answers_is_a_failure(run_async, data, kind):
    Echo.reasons.clear()

    async def act():
        async with serving(Echo, max_message_size=100) as (_, port):
            client = await websockets.connect(f"ws://127.0.0.1:{port}/")
            client.transport.write(data)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == kind.code
            reason = await told()
            assert isinstance(reason, Failed)
            assert type(reason.error) is kind

    run_async(act())


def test_a_peer_that_is_too_slow_hears_1013(run_async):
    Echo.reasons.clear()

    class Pushes(Echo):
        def init(self, ref):
            return ["x" * 500_000] * 40

    async def act():
        async with serving(Pushes, send_timeout=0.3) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            assert isinstance((await told()).error, PeerTooSlow)
            last = b""
            while not last.endswith(b"\x03\xf5too slow"):
                data = await reader.read(1 << 16)
                assert data, "the end of TCP, and no 1013"
                last = (last + data)[-100:]
            writer.close()

    run_async(act())
