"""A chat behind FastAPI: a dependency decides who may enter, and an HTTP route publishes.

    sock run examples.fastapi_chat:app

Then open http://127.0.0.1:8000 in two windows, or say something from a shell:

    curl -X POST 'http://127.0.0.1:8000/rooms/lobby' -H 'X-Token: of-the-house' -d text=hello

`uvicorn examples.fastapi_chat:app` serves it too, with the WebSocket implementation of uvicorn.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request, WebSocket
from fastapi.responses import HTMLResponse

from sock import Options, Prepared, TextSock
from sock.adapters.asgi import Middleware, upgrade

if TYPE_CHECKING:
    from sock import Reason, Ref

PAGE = Path(__file__).with_name("chat.html").read_text(encoding="utf-8")
TOKEN = "of-the-house"  # noqa: S105 - an example has no secrets
LIMITS = Options(max_message_size=4000)

Rooms = dict[str, dict["Ref[Prepared]", str]]


def publish(rooms: Rooms, room: str, kind: str, name: str, **event: object) -> int:
    """Send a text to everyone in a room. It is encoded once for all of them."""
    message = Prepared(json.dumps({"kind": kind, "name": name, **event}))
    for ref in rooms.get(room, ()):
        ref.send(message)
    return len(rooms.get(room, ()))


class Chat(TextSock[Prepared]):
    """One guest in one room."""

    def __init__(self, rooms: Rooms, room: str, name: str) -> None:
        self.rooms, self.room, self.name = rooms, room, name

    def init(self, ref: Ref[Prepared]) -> None:
        self.ref = ref
        self.members = self.rooms.setdefault(self.room, {})
        self.members[ref] = self.name
        self.tell("joined", here=sorted(self.members.values()))

    def handle_in(self, text: str) -> None:
        if text.strip():
            self.tell("said", text=text)

    def terminate(self, reason: Reason) -> None:
        del self.members[self.ref]
        if self.members:
            self.tell("left", here=sorted(self.members.values()))
        else:
            del self.rooms[self.room]

    def tell(self, kind: str, **event: object) -> None:
        """Tell everyone in the room."""
        publish(self.rooms, self.room, kind, self.name, **event)


async def guest(name: str = "") -> str:
    """Let in a guest who gives a name. This is a dependency as for any other route."""
    if not 0 < len(name.strip()) <= 24:
        raise HTTPException(403, "Come with a name of 1 to 24 letters")
    return name.strip()


async def house(x_token: Annotated[str, Header()] = "") -> None:
    """Let in a caller who knows the token."""
    if x_token != TOKEN:
        raise HTTPException(401, "The token of the house, please")


app = FastAPI()
app.add_middleware(Middleware)  # says 1012 at a stop, also on servers other than uvicorn
app.state.rooms = Rooms()


@app.get("/")
async def page() -> HTMLResponse:
    """Show the chat."""
    return HTMLResponse(PAGE)


@app.websocket("/rooms/{room}")
async def enter(websocket: WebSocket, room: str, name: Annotated[str, Depends(guest)]) -> None:
    """Let a guest into a room."""
    await upgrade(websocket, Chat(websocket.app.state.rooms, room, name), LIMITS)


@app.post("/rooms/{room}", dependencies=[Depends(house)])
async def announce(room: str, request: Request) -> dict[str, int]:
    """Say something to a room, over plain HTTP."""
    text = (await request.body()).decode().removeprefix("text=")
    told = publish(request.app.state.rooms, room, "said", "the house", text=text)
    return {"told": told}
