"""A chat behind FastAPI: a dependency decides who may enter, and an HTTP route publishes.

    sock run examples.fastapi_chat:app --workers 2

Then open http://127.0.0.1:8000 in two windows, or say something from a shell:

    curl -X POST 'http://127.0.0.1:8000/rooms/lobby' -H 'X-Token: of-the-house' -d text=hello

Whichever worker the request comes to, everybody in the room reads it, in all workers. It needs the
extra `pubsub`. `uvicorn examples.fastapi_chat:app` serves it too, with uvicorn's own WebSockets.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request, WebSocket
from fastapi.responses import HTMLResponse
from msgspec import Struct

from sock import JsonSock, Options
from sock.adapters.asgi import Middleware, upgrade
from sock.pubsub import Diff, Presence, PubSub, State

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sock import Ref

PAGE = Path(__file__).with_name("chat.html").read_text(encoding="utf-8")
TOKEN = "of-the-house"  # noqa: S105 - an example has no secrets
LIMITS = Options(max_message_size=4000)


class Said(Struct, tag="said"):
    """Somebody has said something."""

    name: str
    text: str


class Here(Struct, tag="here"):
    """Who is in the room, who has come and who has left."""

    names: list[str]
    joined: list[str]
    left: list[str]


rooms = PubSub(kind=Said)
presence = Presence(rooms)


class Chat(JsonSock[State | Diff, str, Said | Here]):
    """One guest in one room."""

    def __init__(self, room: str, name: str) -> None:
        self.room, self.name = room, name
        self.seen: set[str] = set()

    async def init(self, ref: Ref[State | Diff]) -> None:
        await rooms.attach(self.room, ref)
        await presence.track(self.room, ref, key=self.name)
        await presence.watch(self.room, ref)

    async def handle_in(self, text: str) -> None:
        if text.strip():
            await rooms.broadcast(self.room, Said(self.name, text))

    def handle_info(self, info: State | Diff) -> Here:
        now = set(presence.list(self.room))
        before, self.seen = self.seen or now, now
        return Here(sorted(now), sorted(now - before), sorted(before - now))


async def guest(room: str, name: str = "") -> str:
    """Let in a guest who gives a name. This is a dependency as for any other route."""
    if not 0 < len(name.strip()) <= 24 or len(room) > 40:
        raise HTTPException(403, "Come with a name of 1 to 24 letters")
    return name.strip()


async def house(x_token: Annotated[str, Header()] = "") -> None:
    """Let in a caller who knows the token."""
    if x_token != TOKEN:
        raise HTTPException(401, "The token of the house, please")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    """Connect with the other workers before the first guest comes."""
    async with rooms, presence:
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(Middleware)  # says 1012 at a stop, also on servers other than uvicorn


@app.get("/")
async def page() -> HTMLResponse:
    """Show the chat."""
    return HTMLResponse(PAGE)


@app.websocket("/rooms/{room}")
async def enter(websocket: WebSocket, room: str, name: Annotated[str, Depends(guest)]) -> None:
    """Let a guest into a room."""
    await upgrade(websocket, Chat(room, name), LIMITS)


@app.post("/rooms/{room}", dependencies=[Depends(house)])
async def announce(room: str, request: Request) -> dict[str, int]:
    """Say something to a room, over plain HTTP; answer how many names are there."""
    text = (await request.body()).decode().removeprefix("text=")
    await rooms.broadcast(room, Said("the house", text))
    return {"told": len(presence.list(room))}
