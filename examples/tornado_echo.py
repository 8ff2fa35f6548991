"""An echo in a Tornado handler, at native speed: its stream is detached.

python -m examples.tornado_echo 8000
"""

from __future__ import annotations

import asyncio
import signal
import sys

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from sock import Sock
from sock.adapters.tornado import RefuseMixin, drain, setup, upgrade


class Echo(Sock):
    """Sends back what comes, with the name of its room."""

    def __init__(self, room: str) -> None:
        self.room = room

    def handle_in(self, message: str | bytes) -> str | bytes:
        return f"{self.room}: {message}" if isinstance(message, str) else message


class Room(RefuseMixin, RequestHandler):
    """Upgrades where Tornado has done its part."""

    async def get(self, room: str) -> None:
        await upgrade(self, Echo(room))


async def main(port: int) -> None:
    """Serve until SIGTERM; then say 1012 to all."""
    server = HTTPServer(setup(Application([(r"/rooms/(.+)", Room)])))
    server.listen(port, "127.0.0.1")
    print(f"listening on http://127.0.0.1:{port}", flush=True)  # noqa: T201 - for whoever waits
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    server.stop()
    await drain()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
