"""A Sock as a handler of tornado's, on uvloop: PORT."""

from __future__ import annotations

import asyncio
import logging
import sys

import uvloop
from asgi_sock import Echo
from tornado.web import Application

from sock.adapters.tornado import hosting


async def main(port: int) -> None:
    """Serve on loopback until the process is ended."""
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    server = Application([("/", hosting(Echo))]).listen(port, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()
    server.stop()


uvloop.run(main(int(sys.argv[1])))
