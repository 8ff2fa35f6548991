"""Announcements: one program posts a text to a room, and everybody in the room reads it.

    PUBLISH_KEY=sesame sock run examples.publish:app --health /healthz
    curl -H "Authorization: Bearer sesame" -d "doors open" http://127.0.0.1:8000/rooms/hall

Every peer that is connected to ws://127.0.0.1:8000/rooms/hall reads "doors open". To publish, a
program sends a key in a header, and not a cookie: a browser sends cookies with a POST from the page
of any site, and Sock checks the Origin of connections only. Such a page cannot send the header.
"""

from __future__ import annotations

import hmac
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Never

from sock import Answer, Application, Options, Reason, Ref, Request, Response, Sock, send_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Board:
    """The readers of each room, and the key of the programs that may publish."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self.rooms: dict[str, set[Ref[str]]] = {}

    def lets_in(self, request: Request) -> bool:
        """Tell whether a request has the key."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self._key)


class Reader(Sock[str, Never]):
    """A peer that reads only. Without a `handle_in`, a message from it closes with 1003."""

    options = Options(idle_timeout=300, max_mailbox=16)  # on every host

    def __init__(self, request: Request, room: str) -> None:
        self.board: Board = request.state["board"]
        self.room = room

    def init(self, ref: Ref[str]) -> None:
        self.ref = ref
        self.board.rooms.setdefault(self.room, set()).add(ref)

    # Without a handle_info, an info that is a message is pushed.

    def terminate(self, reason: Reason) -> None:
        readers = self.board.rooms[self.room]
        readers.discard(self.ref)
        if not readers:
            del self.board.rooms[self.room]


def publish(request: Request, room: str) -> Response:
    """Push the body of a POST to all readers of a room; answer how many they are."""
    board: Board = request.state["board"]
    if not board.lets_in(request):
        return Response(401, "come with the key\n", {"WWW-Authenticate": "Bearer"})
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        return Response(400, "text in UTF-8, please\n")
    readers = board.rooms.get(room, set())
    send_all(readers, text)  # encoded once for all of them
    return Response(202, f"{len(readers)}\n")


def answer(request: Request) -> Answer:
    """Answer a GET of a room with a connection, and a POST to it with a response."""
    match request.method, request.path.split("/"):
        case "GET", ["", "rooms", room] if room:
            return Reader(request, room)
        case "POST", ["", "rooms", room] if room:
            return publish(request, room)
        case _:
            return Response(404, "rooms are at /rooms/NAME\n")


@asynccontextmanager
async def lifespan() -> AsyncGenerator[dict[str, Any]]:
    """Open the board. The server does not start when this raises, as it does without a key."""
    key = os.environ.get("PUBLISH_KEY")
    if not key:
        raise LookupError("the variable PUBLISH_KEY is the key of those who may publish")
    yield {"board": Board(key)}


# A body of more than 4 KiB gets a 413, and the application is not asked.
app = Application(answer, lifespan=lifespan, options=Options(max_body_size=4096))
