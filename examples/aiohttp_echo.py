"""An echo in an aiohttp route, at native speed: its socket is taken over.

python -m examples.aiohttp_echo 8000
"""

from __future__ import annotations

import sys

from aiohttp import web

from sock import Sock
from sock.adapters.aiohttp import setup, upgrade


class Echo(Sock):
    """Sends back what comes, with the name of its room."""

    def __init__(self, room: str) -> None:
        self.room = room

    def handle_in(self, message: str | bytes) -> str | bytes:
        return f"{self.room}: {message}" if isinstance(message, str) else message


async def room(request: web.Request) -> web.StreamResponse:
    """Upgrade where aiohttp has done its part: routes, middleware, sessions."""
    return await upgrade(request, Echo(request.match_info["room"]))


async def index(_: web.Request) -> web.Response:
    """Say where it is."""
    return web.Response(text="echoes at /rooms/lobby\n")


def make() -> web.Application:
    """Return the application."""
    app = web.Application()
    app.router.add_get("/", index)
    app.router.add_get("/rooms/{room}", room)
    setup(app)  # a stop says 1012 to all; routes may raise Refuse
    return app


if __name__ == "__main__":
    web.run_app(make(), host="127.0.0.1", port=int(sys.argv[1]))
