"""A chat in the browser, with rooms, names and a list of those who are here, over all workers.

    sock run examples.chat:app --workers 2

Then open http://127.0.0.1:8000 in two windows. It needs the extra `pubsub`: messages are structs of
msgspec, which are JSON on the wire. With `SOCK_PUBSUB=redis://localhost` it reaches all machines.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from sock import (
    Answer,
    Application,
    JsonSock,
    Options,
    Ref,
    Refuse,
    Request,
    Response,
    Upgrade,
)
from sock.pubsub import Diff, Presence, PubSub, State

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
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


Info: TypeAlias = State | Diff

rooms = PubSub(kind=Said)
presence = Presence(
    rooms, linger=10
)  # who comes back within 10 s of a deploy was here all the time


class Chat(JsonSock[Info, str, Said | Here]):
    """One guest in one room."""

    def __init__(self, request: Request, room: str) -> None:
        self.room = room
        self.name = request.query.get("name", "").strip()
        self.seen: set[str] | None = None
        if not 0 < len(self.name) <= 24 or len(room) > 40:
            raise Refuse(400, "Come with a name of 1 to 24 letters: /rooms/lobby?name=ada")

    async def init(self, ref: Ref[Info]) -> None:
        await rooms.attach(self.room, ref)  # what is said goes to the page as it is
        await presence.track(self.room, ref, key=self.name)
        await presence.watch(self.room, ref)

    async def handle_in(self, text: str) -> None:
        if text.strip():
            await rooms.broadcast(self.room, Said(self.name, text))

    def handle_info(self, info: Info) -> Here | None:
        now = set(presence.list(self.room))
        before, self.seen = self.seen, now
        if before is None:
            return Here(sorted(now), [], [])
        if now == before:
            return None  # a second window of somebody who is here
        return Here(sorted(now), sorted(now - before), sorted(before - now))


def answer(request: Request) -> Answer:
    """Route a request."""
    match request.path.split("/"):
        case ["", ""]:
            return Response(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})
        case ["", "rooms", room] if room:
            return Upgrade(Chat(request, room), options=LIMITS)
        case ["", "health"]:
            return Response(200, "ok")
        case _:
            return Response(404, "Not here; the chat is at /")


@asynccontextmanager
async def lifespan() -> AsyncGenerator[None]:
    """Connect with the other workers before the first guest comes."""
    async with rooms, presence:
        yield


app = Application(answer, lifespan=lifespan)
