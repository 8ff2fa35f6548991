"""An echo in a Litestar route, with a dependency of its own.

sock run examples.litestar_echo:app
"""

from __future__ import annotations

from typing import Any

from litestar import Litestar, WebSocket, get, websocket

from sock import TextSock
from sock.adapters.asgi import drain, upgrade


class Shouts(TextSock):
    """Says everything louder."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def handle_in(self, text: str) -> str:
        return text.upper() + self.mark


@get("/")
async def index() -> str:
    """Say where it is."""
    return "shout at /shout/!"


@websocket("/shout/{mark:str}")
async def shout(socket: WebSocket[Any, Any, Any]) -> None:
    """Upgrade where Litestar has done its part."""
    await upgrade(socket, Shouts(str(socket.path_params["mark"])))


app = Litestar([index, shout], on_shutdown=[drain])
