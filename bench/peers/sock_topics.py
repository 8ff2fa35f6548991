"""The applications of the peers with topics: each message goes to all who listen to one topic."""

from __future__ import annotations

import os
from typing import Never

import sock
from sock.pubsub import PubSub

# Without an address: `host:` under several workers, else `memory:`.
rooms = PubSub(os.environ.get("BENCH_REDIS"), str)


class Attached(sock.TextSock[Never]):
    """Its peer gets the messages of the topic, and no callback sees them."""

    async def init(self, ref: sock.Ref[Never], /) -> None:
        """Listen."""
        await rooms.attach("room", ref)

    async def handle_in(self, message: str, /) -> None:
        """Send one message to all."""
        await rooms.broadcast("room", message)


class Soon(Attached):
    """The same, without waiting until the backend has one message before it takes the next."""

    def handle_in(self, message: str, /) -> None:
        """Send one message to all."""
        rooms.broadcast_soon("room", message)


class Subscribed(sock.TextSock[str]):
    """Its `handle_info` gets the messages of the topic."""

    async def init(self, ref: sock.Ref[str], /) -> None:
        """Listen."""
        await rooms.subscribe("room", ref)

    async def handle_in(self, message: str, /) -> None:
        """Send one message to all."""
        await rooms.broadcast("room", message)

    def handle_info(self, info: str, /) -> str:
        """Pass one message on to the peer."""
        return info
