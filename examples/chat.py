"""A chat in the browser, with rooms, names and a list of those who are here.

    sock run examples.chat:app

Then open http://127.0.0.1:8000 in two windows. A room is a dict from the ref of each connection to
the name of its guest. That is enough for one process.
"""

from __future__ import annotations

import json
from pathlib import Path

from sock import (
    Answer,
    Options,
    Prepared,
    Reason,
    Ref,
    Refuse,
    Request,
    Response,
    TextSock,
    Upgrade,
)

PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
LIMITS = Options(max_message_size=4000)

Members = dict[Ref[Prepared], str]
rooms: dict[str, Members] = {}


class Chat(TextSock[Prepared]):
    """One guest in one room."""

    def __init__(self, request: Request, room: str) -> None:
        self.room = room
        self.name = request.query.get("name", "").strip()
        if not 0 < len(self.name) <= 24:
            raise Refuse(400, "Come with a name of 1 to 24 letters: /rooms/lobby?name=ada")

    def init(self, ref: Ref[Prepared]) -> None:
        self.ref = ref
        self.members = rooms.setdefault(self.room, {})
        self.members[ref] = self.name
        self.tell("joined", here=sorted(self.members.values()))

    def handle_in(self, text: str) -> None:
        if text.strip():
            self.tell("said", text=text)

    # `tell` sends messages. Without a handle_info, an info that is a message is pushed.

    def terminate(self, reason: Reason) -> None:
        del self.members[self.ref]
        if self.members:
            self.tell("left", here=sorted(self.members.values()))
        else:
            del rooms[self.room]

    def tell(self, kind: str, **event: object) -> None:
        """Send a text to everyone in the room. It is encoded once for all of them."""
        message = Prepared(json.dumps({"kind": kind, "name": self.name, **event}))
        for ref in self.members:
            ref.send(message)


def app(request: Request) -> Answer:
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
