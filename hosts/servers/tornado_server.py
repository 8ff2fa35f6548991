"""Tornado: `python hosts/servers/tornado_server.py PORT`."""

from __future__ import annotations

import asyncio
import signal
import sys

from tornado.httpserver import HTTPServer
from tornado.web import Application

from hosts.application import app, options
from sock.adapters.tornado import drain, hosting, setup
from sock.testing.contract import DRAIN_BOUND


async def main() -> None:
    """Serve until SIGTERM."""
    # A target in absolute form does not begin with a slash.
    server = HTTPServer(setup(Application([(r".*", hosting(app, options=options))])))
    server.listen(int(sys.argv[1]), "127.0.0.1")
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    server.stop()
    await drain(DRAIN_BOUND)


asyncio.run(main())
