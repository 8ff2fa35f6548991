"""tornado on uvloop; it does not compress unless asked to, and does not ping."""

from __future__ import annotations

import asyncio
import logging
import sys

import uvloop
from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Echo(WebSocketHandler):
    """Sends every message back."""

    def on_message(self, message: str | bytes) -> None:
        """Answer one message."""
        self.write_message(message, binary=isinstance(message, bytes))


async def main(port: int) -> None:
    """Serve on loopback until the process is ended."""
    # A line for every handshake would be measured as well.
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    server = Application([("/", Echo)]).listen(port, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()
    server.stop()


uvloop.run(main(int(sys.argv[1])))
