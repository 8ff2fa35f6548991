"""websockets' asyncio server: `python hosts/servers/websockets_server.py PORT`."""

from __future__ import annotations

import asyncio
import signal
import sys

from websockets.asyncio.server import serve

from hosts.application import app, options
from sock.adapters.websockets import drain, hosting
from sock.testing.contract import DRAIN_BOUND


async def main() -> None:
    """Serve until SIGTERM."""
    # websockets' own limit on a message is so large that the application's decides, which the
    # adapter checks.
    arguments = hosting(app, options=options) | {"max_size": 2**24}
    async with serve(**arguments, host="127.0.0.1", port=int(sys.argv[1])):
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        await stopped.wait()
        await drain(DRAIN_BOUND)


asyncio.run(main())
