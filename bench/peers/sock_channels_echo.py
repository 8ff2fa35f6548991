"""Phoenix Channels by Sock on uvloop, as they come.

PORT [URL], which is that of the pubsub.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import sock
from sock.channels import Channel, Endpoint, Mount, Socket, on
from sock.pubsub import PubSub


class Room(Channel):
    """Answers a push with its payload, and sends another one to all who have joined."""

    @on("echo")
    def echo(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer."""
        return payload

    @on("shout")
    async def shout(self, payload: dict[str, Any]) -> None:
        """Broadcast."""
        await self.broadcast("shout", payload)


class UserSocket(Socket):
    """One connection."""

    channels: ClassVar = {"room:*": Room}


sock.run(
    Endpoint(
        {"/": Mount(socket=UserSocket, path="/", poll_path=None)},
        pubsub=PubSub(sys.argv[2] if len(sys.argv) > 2 else "memory:"),
    ),
    host="127.0.0.1",
    port=int(sys.argv[1]),
    loop="uvloop",
    log_level="error",
)
