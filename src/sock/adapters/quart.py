"""Quart's own end of an ASGI connection, watched: what it does not tell its routes.

Quart receives by itself, and when it hears of the peer's end it cancels the route without a word of
why; when its server cancels it, it leaves the route running. For a connection that was upgraded,
both are told as any other framework tells them. Nothing changes for the others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from quart import Quart, Response, has_websocket_context, websocket
from quart.asgi import ASGIWebsocketConnection
from werkzeug.datastructures import Headers

from sock.spec import Refuse

from . import event, hosted
from .admission import KEPT, takeover_of

if TYPE_CHECKING:
    from .event import Event

ROUTE: Final = "sock.route"
"""The key of a scope that is watched: the task of the route that has upgraded it, before None."""


def watch() -> None:
    """Watch those that come from now on, but of an application that has a class of its own."""
    if Quart.asgi_websocket_class is ASGIWebsocketConnection:
        Quart.asgi_websocket_class = Watched


async def refused(refusal: Refuse) -> Response:
    """Answer a `Refuse` that a route has raised, in Quart's own words.

    Raises:
        Refuse: it comes too late, as the route has upgraded.
    """
    scope: Any = websocket.scope if has_websocket_context() else None
    if scope is None or scope.get(ROUTE) is not None:
        raise refusal
    response = hosted.refused(event.request_of(scope, mounted=False), refusal)
    headers = Headers(hosted.headers_of(response) + event.in_text(event.closing(scope)))
    return Response(hosted.body_of(response), response.status, headers)


@final
class Watched(ASGIWebsocketConnection):
    """One connection."""

    scope: Any
    _websocket: Any

    def __init__(self, app: Quart, scope: Any) -> None:
        super().__init__(app, scope)
        # Else Quart logs it as an error, and makes a 500 of it. An application's own comes first.
        app.error_handler_spec[None][None].setdefault(Refuse, refused)

    async def __call__(self, receive: Any, send: Any) -> None:
        """Serve it."""
        self.scope[ROUTE] = None

        async def passed() -> Any:
            """Receive for Quart; what comes after the upgrade goes to the Sock as it is."""
            while True:
                event: Event = await receive()
                route: Any = self.scope[ROUTE]
                if route is None or event["type"] == "websocket.connect":
                    return event
                await self._put(event)
                if event["type"] == "websocket.disconnect":
                    self._closed = True
                    # The route ends when the Sock does. Quart would cancel it.
                    await asyncio.wait({route})
                    return event

        try:
            await super().__call__(passed, send)
        except asyncio.CancelledError:
            route: Any = self.scope[ROUTE]
            if route is not None:
                route.cancel()
                await asyncio.wait({route})
            raise

    async def _put(self, event: Event) -> None:
        """Put an event behind the messages that Quart has received before the upgrade."""
        queue: Any = getattr(self, "queue", None)  # which 0.23 has not any more
        await (self._websocket.buffer if queue is None else queue).put(event)

    async def handle_websocket(self, websocket: Any, send: Any) -> None:
        """Run the route; what it leaves open is closed, but for a Sock that lives on."""
        self._websocket = websocket

        async def said(event: Any) -> None:
            if event["type"] == "websocket.close" and self.scope[ROUTE] is not None:
                kept: Any = self.scope.get(KEPT)
                for living in kept.living if kept is not None else ():
                    await asyncio.shield(living)
                if (kept is not None and kept.living) or takeover_of(self.scope) is not None:
                    return
            await send(event)

        await super().handle_websocket(websocket, said)
