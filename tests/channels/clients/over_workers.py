"""What clients on several workers share: a room that says where it is, and who is in it."""

from __future__ import annotations

import os
from typing import Any

from sock.channels import Channel, ConnectInfo, Endpoint, Params, Presence, Socket, on
from sock.pubsub import PubSub

pubsub: PubSub[str | bytes] = PubSub()
presence = Presence(pubsub)


class Room(Channel):
    def join(self, topic: str, params: dict[str, Any]) -> Any:
        return {"pid": os.getpid()}

    async def after_join(self) -> None:
        if self.topic != "room:all":
            return
        await presence.push_state(self)
        await presence.track(self, self.assigns.name)

    @on("shout")
    async def shout(self, payload: dict[str, Any]) -> Any:
        await self.broadcast("shout", payload)
        return {}


class UserSocket(Socket):
    channels = {"room:*": Room}

    def connect(self, params: Params, info: ConnectInfo) -> None:
        self.assigns.name = params["name"]


app = Endpoint({"/socket": UserSocket}, pubsub=pubsub)
