"""picows.websockets: the API of websockets on the core of picows, on uvloop, compression off."""

from __future__ import annotations

import logging
import sys

import uvloop
from picows.websockets import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    """Send every message back, until the peer closes."""
    async for message in connection:
        await connection.send(message)


async def main(port: int) -> None:
    """Serve on loopback until the process is ended."""
    # Connections that are cut off at the end of a run need no lines in the log.
    logging.getLogger("picows").setLevel(logging.CRITICAL)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    async with serve(
        echo, "127.0.0.1", port, compression=None, ping_interval=None, backlog=4096
    ) as server:
        await server.serve_forever()


uvloop.run(main(int(sys.argv[1])))
