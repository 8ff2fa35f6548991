"""A server of websockets'."""

from __future__ import annotations

import contextlib

from websockets.asyncio.server import serve

from sock import (
    Options,
    Sock,
)
from sock.adapters import websockets as adapter


class Echo(Sock):
    reasons = []

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


@contextlib.asynccontextmanager
async def serving(app, **options):
    arguments = adapter.hosting(app, options=Options(**options))
    async with serve(**arguments, host="127.0.0.1", port=0, ping_interval=None) as server:
        yield server, server.sockets[0].getsockname()[1]
