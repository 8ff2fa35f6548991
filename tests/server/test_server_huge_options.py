"""Every option at a size or a time that no machine has: connections live all the same. [S13.4]"""

from __future__ import annotations

import pytest

import sock
from sock import Options, Response, Sock
from sock.spec.options import DEFAULTS

pytestmark = pytest.mark.usefixtures("reactor_kind", "loop_kind")

SIZES = [name for name in DEFAULTS if name.startswith("max_")]
TIMES = [name for name in DEFAULTS if name.endswith(("_timeout", "_interval"))]
HUGE = [2**62, 2**63 - 1, 2**63, 2**64, 10**30, 10**400]
LONG = [2.0**63, 1e15, 1e300, 2**64, 10**400]

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


class Waits(Sock):
    async def handle_in(self, message):
        return message


class Echo(Sock):
    def handle_in(self, message):
        return message


def app(request):
    if request.path == "/chat":
        return Echo(request)
    if request.path == "/waits":
        return Waits(request)
    return Response(200, request.body)


def lived(run_async, connect, events, **options) -> None:
    async def act():
        async with sock.serve(app, options=Options(**options)) as server:
            for path in (b"/chat", b"/waits"):
                async with await connect(server) as client:
                    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
                    assert (await client.answer()).body == b"hello"
                    client.send(HANDSHAKE.replace(b"/chat", path))
                    assert (await client.answer()).status == 101
                    for message in ("a", b"b" * 100_000, "é" * 200):
                        client.push(message)
                        assert await client.next() == message
                    client.say_close()
                    assert (await client.next()).code == 1000
                    assert await client.over()
            async with await connect(server) as client:
                client.send(HANDSHAKE)
                assert (await client.answer()).status == 101
                for link in server.live_connections:
                    link.ref.send("pushed")
                assert await client.next() == "pushed"
                ended = run_drain(server)
                assert (await client.next()).code == 1012
                client.say_close()
                await ended

    def run_drain(server):
        return server.loop.create_task(server.drain())

    run_async(act())
    assert [event for event, _ in events if event.endswith(".failed")] == []


@pytest.mark.parametrize("value", HUGE, ids=["2^62", "2^63-1", "2^63", "2^64", "10^30", "10^400"])
def test_all_sizes_may_be_huge(run_async, connect, events, value):
    lived(run_async, connect, events, **dict.fromkeys(SIZES, value))


@pytest.mark.parametrize("name", SIZES)
def test_each_size_may_be_huge(run_async, connect, events, name):
    lived(run_async, connect, events, **{name: 2**63})


@pytest.mark.parametrize("value", LONG, ids=["2^63", "1e15", "1e300", "2^64", "10^400"])
@pytest.mark.parametrize("name", TIMES)
def test_each_time_may_be_longer_than_anybody_waits(run_async, connect, events, name, value):
    ends = {"idle_timeout": None} if name == "ping_interval" else {}
    lived(run_async, connect, events, **{name: value}, **ends)
