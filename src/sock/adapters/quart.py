"""Quart's own end of an ASGI connection, watched: what it does not tell its routes.

Quart receives by itself, and when it hears of the peer's end it cancels the route without a word of
why; when its server cancels it, it leaves the route running. For a connection that was upgraded,
both are told as any other framework tells them. Nothing changes for the others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from quart import Quart
from quart.asgi import ASGIWebsocketConnection

from .admission import takeover_of

if TYPE_CHECKING:
    from .event import Event

ROUTE: Final = "sock.route"
"""The key of a scope that is watched: the task of the route that has upgraded it, before None."""


def watch() -> None:
    """Watch those that come from now on, but of an application that has a class of its own."""
    if Quart.asgi_websocket_class is ASGIWebsocketConnection:
        Quart.asgi_websocket_class = Watched


@final
class Watched(ASGIWebsocketConnection):
    """One connection."""

    scope: Any
    queue: asyncio.Queue[Any]

    async def __call__(self, receive: Any, send: Any) -> None:
        """Serve it."""
        self.scope[ROUTE] = None
        try:
            await super().__call__(receive, send)
        except asyncio.CancelledError:
            route: Any = self.scope[ROUTE]
            if route is not None:
                route.cancel()
                await asyncio.wait({route})
            raise

    async def handle_messages(self, receive: Any) -> None:
        """Receive: what comes after the upgrade goes to the Sock as it is, its end too."""

        async def passed() -> Any:
            while True:
                event: Event = await receive()
                if self.scope[ROUTE] is None:
                    return event
                await self.queue.put(event)
                if event["type"] == "websocket.disconnect":
                    self._closed = True
                    # The route ends when the Sock does; to return would cancel it.
                    await asyncio.Event().wait()

        await super().handle_messages(passed)

    async def handle_websocket(self, websocket: Any, send: Any) -> None:
        """Run the route; what it leaves open is closed, but for a Sock that lives on."""

        async def said(event: Any) -> None:
            if event["type"] == "websocket.close" and self.scope[ROUTE] is not None:
                kept: Any = self.scope.get("sock.kept")
                for living in kept.living if kept is not None else ():
                    await asyncio.shield(living)
                if (kept is not None and kept.living) or takeover_of(self.scope) is not None:
                    return
            await send(event)

        await super().handle_websocket(websocket, said)
