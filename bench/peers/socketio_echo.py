"""python-socketio on uvicorn and uvloop: an event with its ack, and one to a room.

Events of a client are handled in their order, as a channel does it; so no task is begun for each.
"""

from __future__ import annotations

from typing import Any

import socketio
from on_uvicorn import serve

server = socketio.AsyncServer(async_mode="asgi", async_handlers=False, ping_interval=3600)


@server.event
async def connect(sid: str, _environ: dict[str, Any]) -> None:
    """Have a client in the room."""
    await server.enter_room(sid, "room")


@server.event
async def echo(_sid: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Answer."""
    return payload


@server.event
async def shout(_sid: str, payload: dict[str, Any]) -> None:
    """Send it to all in the room."""
    await server.emit("shout", payload, room="room")


serve(socketio.ASGIApp(server))
