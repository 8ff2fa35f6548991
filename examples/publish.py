"""Announcements: what one program posts to a room, everybody who is in it reads.

    PUBLISH_KEY=sesame sock run examples.publish:app --health /healthz
    curl -H "Authorization: Bearer sesame" -d "doors open" http://127.0.0.1:8000/rooms/hall

Whoever is connected to ws://127.0.0.1:8000/rooms/hall reads "doors open". A browser sends cookies
with a POST from any page, and the Origin is checked for connections only: so who may publish is
told by a key in a header, which another site's page cannot send.
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
    """Who reads in which room, and the key of those who may publish."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self.rooms: dict[str, set[Ref[str]]] = {}

    def lets_in(self, request: Request) -> bool:
        """Tell whether a request has the key."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self._key)


class Reader(Sock[str, Never]):
    """Only listens: without a `handle_in`, a message from its peer closes with 1003."""

    options = Options(idle_timeout=300, max_mailbox=16)  # on every host

    def __init__(self, request: Request, room: str) -> None:
        self.board: Board = request.state["board"]
        self.room = room

    def init(self, ref: Ref[str]) -> None:
        self.ref = ref
        self.board.rooms.setdefault(self.room, set()).add(ref)

    # There is no handle_info: an info that is a message is pushed.

    def terminate(self, reason: Reason) -> None:
        readers = self.board.rooms[self.room]
        readers.discard(self.ref)
        if not readers:
            del self.board.rooms[self.room]


def publish(request: Request, room: str) -> Response:
    """Push the body of a POST to all who read in a room; say how many they are."""
    board: Board = request.state["board"]
    if not board.lets_in(request):
        return Response(401, "come with the key\n", {"WWW-Authenticate": "Bearer"})
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        return Response(400, "text in UTF-8, please\n")
    readers = board.rooms.get(room, set())
    send_all(readers, text)  # encoded once, however many they are
    return Response(202, f"{len(readers)}\n")


def answer(request: Request) -> Answer:
    """Answer one path with a connection and with a response, as it is asked."""
    match request.method, request.path.split("/"):
        case "GET", ["", "rooms", room] if room:
            return Reader(request, room)
        case "POST", ["", "rooms", room] if room:
            return publish(request, room)
        case _:
            return Response(404, "rooms are at /rooms/NAME\n")


@asynccontextmanager
async def lifespan() -> AsyncGenerator[dict[str, Any]]:
    """Open the board. Without its key, or where a database cannot be reached, nothing starts."""
    key = os.environ.get("PUBLISH_KEY")
    if not key:
        raise LookupError("the variable PUBLISH_KEY is the key of those who may publish")
    yield {"board": Board(key)}


# A body of more than 4 KiB is answered with 413, before the application is asked.
app = Application(answer, lifespan=lifespan, options=Options(max_body_size=4096))
