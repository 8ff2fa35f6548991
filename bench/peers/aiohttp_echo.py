"""aiohttp: its server on uvloop, compression off."""

from __future__ import annotations

import sys

import uvloop
from aiohttp import WSMsgType, web


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send every message back, until the peer closes."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


app = web.Application()
app.router.add_get("/", echo)
web.run_app(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    loop=uvloop.new_event_loop(),
    access_log=None,
    print=None,
)
