"""ASGI applications, and a handshake in bytes."""

from __future__ import annotations

import asyncio

import pytest

from sock import Sock
from sock.adapters.asgi import upgrade


class Echo(Sock):
    reasons = []

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


def in_a_route(body, *middleware):
    """Return a Starlette application of one route."""
    applications = pytest.importorskip("starlette.applications")
    routing = pytest.importorskip("starlette.routing")
    app = applications.Starlette(routes=[routing.WebSocketRoute("/", body)])
    for one in middleware:
        app = one(app)
    return app


async def upgraded(websocket):
    await upgrade(websocket, Echo(None))


async def asking(port, more=b""):
    """Ask for an upgrade, with more fields, and say nothing more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        + more
        + b"\r\n"
    )
    return reader, writer
