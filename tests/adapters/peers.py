"""A handshake in bytes, and a peer that leaves while a route runs. [S1.8]"""

from __future__ import annotations

import asyncio
import socket

import pytest

from sock import Remote, Sock

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(params=["FIN", "RST", "FIN, early", "RST, early"])
def leaving(request):
    """Give a peer that leaves in each way, with and without a message behind its handshake."""
    how, _, early = request.param.partition(", ")
    return LeavingPeer(how, b"\x81\x82\0\0\0\0hi" if early else b"")


class LeavingPeer:
    """A peer that leaves as soon as the route has it, before the server has seen that it did.

    Args:
        how: "FIN", or "RST".
        early: the bytes that it sends behind its handshake.
    """

    def __init__(self, how, early):
        self._how, self._early = how, early
        self._peer = socket.socket()
        self._done = asyncio.Event()
        self._begun, self._ended = [], []

    async def in_route(self, upgrade):
        """Leave, and call `upgrade` with a handler that notes what it is told."""
        if self._how == "RST":
            self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._peer.close()
        try:
            return await upgrade(_Notes(self._begun, self._ended))
        finally:
            self._done.set()

    async def connect(self, port):
        """Ask for an upgrade, and wait until the route has returned."""
        loop = asyncio.get_running_loop()
        self._peer.setblocking(False)
        await loop.sock_connect(self._peer, ("127.0.0.1", port))
        await loop.sock_sendall(self._peer, HANDSHAKE + self._early)
        await self._done.wait()

    def check(self):
        """Check that the Sock was told of the loss, once, if its `init` was entered at all."""
        assert self._ended == [Remote(1006)] * len(self._begun)
        assert len(self._begun) <= 1


class _Notes(Sock):
    def __init__(self, begun, ended):
        self._begun, self._ended = begun, ended

    def init(self, ref):
        self._begun.append(ref)

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self._ended.append(reason)
