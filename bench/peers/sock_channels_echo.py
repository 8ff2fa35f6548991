"""Phoenix Channels by Sock on uvloop, as they come: PORT.

The pubsub is in memory, or over the Redis of the benchmark.
"""

from __future__ import annotations

import os
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
        pubsub=PubSub(os.environ.get("BENCH_REDIS", "memory:")),
    ),
    host="127.0.0.1",
    port=int(sys.argv[1]),
    loop="uvloop",
    log_level="error",
)
