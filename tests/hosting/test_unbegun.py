"""What comes while the socket of another server becomes a transport: nothing is read too early."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from sock import Options, Remote, Sock, Upgrade, testing
from sock.hosting.takeover import Takeover
from sock.loop import Reactor, adopt
from sock.testing.peer import Peer


async def connected_sockets():
    """Return both ends of a TCP connection, which do not block."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        client = socket.socket()
        client.setblocking(False)
        await loop.sock_connect(client, listening.getsockname())
        ours, _ = await loop.sock_accept(listening)
    return client, ours


@pytest.mark.parametrize("end", ["stays", "leaves", "resets"])
@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
def test_what_comes_while_a_socket_becomes_a_transport_is_read_when_it_has_begun(
    run_async, monkeypatch, loop_kind, end
):
    class Slow(Sock):
        async def init(self, ref):
            steps.append("init")
            await asyncio.sleep(0.01)
            steps.append("live")

        def handle_in(self, message):
            steps.append(message)
            return message

        def terminate(self, reason):
            steps.append(reason)

    steps = []
    monkeypatch.setenv("SOCK_REACTOR", "transport")

    async def act():
        loop = asyncio.get_running_loop()
        reactor = Reactor.of(loop)
        peer = Peer(testing.request())
        client, theirs = await connected_sockets()
        await loop.sock_sendall(client, peer.encoded("hi"))  # is there before anybody reads
        if end == "leaves":
            client.shutdown(socket.SHUT_WR)
        elif end == "resets":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

        def take(connect):
            adopt(reactor, theirs, connect)
            return b""

        takeover = Takeover(reactor, testing.request(), take)
        takeover.begin(Upgrade(Slow(testing.request())), Options())
        heard = []
        while end == "stays" and not heard:
            heard += peer.feed(await loop.sock_recv(client, 4096))
        client.close()
        await takeover.wait()

    run_async(act())
    assert steps[:1] in ([], ["init"])
    assert steps[1:3] == ["live", "hi"] or end != "stays"
    assert steps[-1:] == [Remote(1006)] or (not steps and end == "resets")
