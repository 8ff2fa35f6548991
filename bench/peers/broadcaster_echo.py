"""broadcaster over Redis, in a bare ASGI application on uvicorn: PORT."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from broadcaster import Broadcast
from on_uvicorn import serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

broadcast = Broadcast(os.environ["BENCH_REDIS"])

# Of two that subscribe at once, broadcaster 0.3.1 forgets one.
one_by_one = asyncio.Lock()


async def room(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Send every message to the room, and every message of the room to the peer."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    await receive()
    async with AsyncExitStack() as stack:
        async with one_by_one:
            subscriber = await stack.enter_async_context(broadcast.subscribe(channel="room"))
        await send({"type": "websocket.accept"})
        publishing = asyncio.create_task(publish(receive))
        passing = asyncio.create_task(pass_on(subscriber, send))
        await publishing
        passing.cancel()


async def publish(receive: Receive) -> None:
    """Publish what the peer sends, until it closes."""
    while (event := await receive())["type"] == "websocket.receive":
        await broadcast.publish(channel="room", message=event["text"])


async def pass_on(subscriber: Any, send: Send) -> None:
    """Pass on what is published."""
    async for event in subscriber:
        await send({"type": "websocket.send", "text": event.message})


async def lifespan(receive: Receive, send: Send) -> None:
    """Be connected with Redis as long as the server runs."""
    await receive()
    await broadcast.connect()
    # Its listener gives up at the first channel, not subscribed to yet, and wakes at the next.
    async with broadcast.subscribe("first"), broadcast.subscribe("next"):
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await broadcast.disconnect()
    await send({"type": "lifespan.shutdown.complete"})


serve(room, lifespan="on")
