"""websockets: its asyncio server on uvloop, compression off; its `broadcast` on /fanout."""

from __future__ import annotations

import logging
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

everybody: set[ServerConnection] = set()


async def handler(connection: ServerConnection) -> None:
    """Echo, or copy to everybody, by the path, until the peer closes."""
    if connection.request is not None and connection.request.path == "/fanout":
        await fanout(connection)
    else:
        await echo(connection)


async def echo(connection: ServerConnection) -> None:
    """Send every message back."""
    async for message in connection:
        await connection.send(message)


async def fanout(connection: ServerConnection) -> None:
    """Copy every message to everybody."""
    everybody.add(connection)
    try:
        async for message in connection:
            broadcast(everybody, message)
    finally:
        everybody.discard(connection)


async def main(port: int) -> None:
    """Serve on loopback until the process is ended."""
    # Connections that are cut off at the end of a run need no lines in the log.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    async with serve(
        handler, "127.0.0.1", port, compression=None, ping_interval=None, backlog=4096
    ) as server:
        await server.serve_forever()


uvloop.run(main(int(sys.argv[1])))
