"""A chat by Phoenix Channels: rooms, who is here, who is typing; the page uses phoenix.js.

    npm install --prefix build/node phoenix@1.8.16     (`make build/node/.made` does it, too)
    sock run examples.channels_chat:app --workers 2

Then open http://127.0.0.1:8000 in two windows. It needs the extra `channels`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from sock import Application, Options, Refuse, Request, Response, Routes
from sock.channels import (
    Channel,
    ConnectInfo,
    Endpoint,
    JoinError,
    Params,
    Presence,
    ReplyError,
    Socket,
    on,
)
from sock.pubsub import PubSub

PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
CHECKOUTS = Path(__file__).parents[1], Path(sys.prefix).parent
PACKAGE = "build/node/node_modules/phoenix/priv/static/phoenix.min.js"

pubsub = PubSub()
# Who comes back within 10 s of a deploy was here all the time.
presence = Presence(pubsub, linger=10)


class Say(Struct, forbid_unknown_fields=True):
    """What the page sends."""

    text: str


class Typing(Struct, forbid_unknown_fields=True):
    """Whether somebody is typing."""

    now: bool


class Room(Channel):
    """One guest in one room."""

    def join(self, topic: str, params: dict[str, Any]) -> None:
        if not 0 < len(topic.removeprefix("room:")) <= 40:
            raise JoinError(reason="no such room")

    async def after_join(self) -> None:
        await presence.push_state(self)
        await presence.track(self, self.assigns.name)

    @on("say")
    async def say(self, message: Say) -> dict[str, str]:
        if not message.text.strip():
            raise ReplyError(reason="empty")
        await self.broadcast_from("said", {"name": self.assigns.name, "text": message.text})
        return {}

    @on("typing")
    async def typing(self, typing: Typing) -> None:
        await self.broadcast_from("typing", {"name": self.assigns.name, "now": typing.now})


class UserSocket(Socket):
    """One window."""

    channels: ClassVar = {"room:*": Room}
    options = Options(max_message_size=8000)

    def connect(self, params: Params, info: ConnectInfo) -> None:
        name = str(params.get("name", "")).strip()
        if not 0 < len(name) <= 24:
            raise Refuse(403)
        self.assigns.name = name


def page(_request: Request) -> Response:
    """Return the page."""
    return Response(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})


def script(_request: Request) -> Response:
    """Return phoenix.js, from where npm has put it."""
    for checkout in CHECKOUTS:
        if (checkout / PACKAGE).is_file():
            content = (checkout / PACKAGE).read_bytes()
            return Response(200, content, {"Content-Type": "text/javascript; charset=utf-8"})
    return Response(404, "npm install --prefix build/node phoenix\n")


endpoint = Endpoint({"/socket": UserSocket}, pubsub=pubsub)
app = Application(Routes({"/": page, "/phoenix.js": script, "/{rest:path}": endpoint}))
