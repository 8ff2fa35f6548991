"""WebSockets over HTTP/2 and HTTP/3: real clients, h2 and aioquic, echo through hypercorn."""

from __future__ import annotations

import asyncio
import signal

import pytest

pytestmark = pytest.mark.one_form

pytest.importorskip("h2")
pytest.importorskip("aioquic")
pytest.importorskip("hypercorn")

from hosts.host import HOSTS
from hosts.run import WORK, started
from hosts.tunnel import connect_tunnel
from sock.testing.peer import frame
from sock.wire.frame import Close
from sock.wire.parser import Parser

HOST = {"2": "hypercorn, HTTP/2", "3": "hypercorn, HTTP/3"}


async def echoed(version, port, messages):
    """Ask for a connection, echo, say goodbye; return what came."""
    heard = []
    parser = Parser(max_message_size=None, max_fragments=None, masked=False)
    async with asyncio.timeout(20), connect_tunnel(version, port) as tunnel:
        answer = await tunnel.open(
            [
                (":method", "CONNECT"),
                (":protocol", "websocket"),
                (":scheme", "http" if version == "2" else "https"),
                (":path", "/"),
                (":authority", "127.0.0.1"),
                ("sec-websocket-version", "13"),
            ]
        )
        assert dict(answer)[":status"] == "200"
        for message in messages:
            await tunnel.send(frame(0x1, message.encode()))
        while not heard or not isinstance(heard[-1], Close):
            data = await tunnel.arrived.get()
            parser.feed(data, lambda event: heard.append(event) or True)
            tunnel.acknowledge(len(data))
            if len(heard) == len(messages):
                await tunnel.send(frame(0x8, b"\x03\xe8"))
    return heard


@pytest.mark.parametrize("version", ["2", "3"])
def test_a_real_client_echoes_through_hypercorn(version, run_async):
    [host] = [one for one in HOSTS if one.name == HOST[version]]
    messages = ["hello", "é", "x" * 20_000]
    # The port of the host itself: what is tested is no gateway.
    with started(host, "echo", WORK / f"test-{version}.log", gateway=False) as (port, process):
        *echoes, close = run_async(echoed(version, port, messages))
        assert echoes == messages
        assert close.code == 1000
        process.send_signal(signal.SIGTERM)
