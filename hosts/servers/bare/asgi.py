"""A bare ASGI application that echoes, without Sock: for uvicorn, hypercorn, granian and daphne."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]


async def echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Send every message back, and answer an ordinary request."""
    match scope["type"]:
        case "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (event := await receive())["type"] == "websocket.receive":
                text, data = event.get("text"), event.get("bytes")
                part = {"bytes": data} if text is None else {"text": text}
                await send({"type": "websocket.send", **part})
        case "http":
            head: dict[str, Any] = {"type": "http.response.start", "status": 404, "headers": []}
            await send(head)
            await send({"type": "http.response.body", "body": b"WebSockets only\n"})
        case _:
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
