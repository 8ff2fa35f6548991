"""A subclass of Quart's WebSocket connection, which tells a Sock how its connection has ended.

Quart receives by itself. When it hears of the peer's end, it cancels the route without telling it
the reason; when its server cancels it, it leaves the route running. Over this subclass, a
connection that was upgraded is told of both in the same way as under any other framework. Other
connections behave as before.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from quart import Quart, Response, has_websocket_context, websocket
from quart.asgi import ASGIWebsocketConnection
from werkzeug.datastructures import Headers

from sock.adapters import conversion
from sock.hosting import asking
from sock.spec import Refuse

from . import event
from .extension import takeover_of
from .kept import KEPT

if TYPE_CHECKING:
    from .event import Event
    from .kept import KeptConnection

ROUTE_TASK: Final = "sock.route"
"""The key of a scope of this subclass: the task of the route once it has upgraded, None before."""


def adapt() -> None:
    """Have Quart use this subclass from now on, unless an application has a class of its own."""
    if Quart.asgi_websocket_class is ASGIWebsocketConnection:
        Quart.asgi_websocket_class = AdaptedConnection


async def respond_to_refusal(refusal: Refuse) -> Response:
    """Return Quart's response for a `Refuse` that a route has raised: an error handler of Quart's.

    Raises:
        Refuse: the refusal comes too late, because the route has upgraded.
    """
    scope: Any = websocket.scope if has_websocket_context() else None
    if scope is None or scope.get(ROUTE_TASK) is not None:
        raise refusal
    response = asking.refused(event.request_of(scope, mounted=False), refusal)
    closing = event.headers_to_text(event.closing_headers(scope))
    headers = Headers(conversion.headers_of(response) + closing)
    return Response(conversion.content_of(response), response.status, headers)


@final
class AdaptedConnection(ASGIWebsocketConnection):
    """One connection of Quart's."""

    scope: Any
    _websocket: Any

    def __init__(self, app: Quart, scope: Any) -> None:
        super().__init__(app, scope)
        # Otherwise Quart logs a Refuse as an error and answers 500. A handler of the application's
        # own has precedence.
        app.error_handler_spec[None][None].setdefault(Refuse, respond_to_refusal)

    async def __call__(self, receive: Any, send: Any) -> None:
        """Serve the connection."""
        self.scope[ROUTE_TASK] = None

        async def receive_until_upgraded() -> Any:
            """Receive for Quart; events that arrive after the upgrade go to the Sock unchanged."""
            while True:
                received: Event = await receive()
                route: Any = self.scope[ROUTE_TASK]
                if route is None or received["type"] == "websocket.connect":
                    return received
                await self._queue_for_sock(received)
                if received["type"] == "websocket.disconnect":
                    self._closed = True
                    # The route ends together with the Sock. Quart would cancel it now.
                    await asyncio.wait({route})
                    return received

        try:
            await super().__call__(receive_until_upgraded, send)
        except asyncio.CancelledError:
            route: Any = self.scope[ROUTE_TASK]
            if route is not None:
                route.cancel()
                await asyncio.wait({route})
            raise

    async def _queue_for_sock(self, received: Event) -> None:
        """Put an event behind the messages that Quart has received before the upgrade."""
        queue: Any = getattr(self, "queue", None)  # Quart 0.23 has no such attribute any more
        await (self._websocket.buffer if queue is None else queue).put(received)

    async def handle_websocket(self, websocket: Any, send: Any) -> None:
        """Run the route, and then close the connection unless a Sock still has it."""
        self._websocket = websocket

        async def send_unless_sock_has_it(sent: Any) -> None:
            if sent["type"] == "websocket.close" and self.scope[ROUTE_TASK] is not None:
                kept: KeptConnection | None = self.scope.get(KEPT)
                if kept is not None:
                    await kept.wait()
                if (kept is not None and kept.tasks) or takeover_of(self.scope) is not None:
                    return
            await send(sent)

        await super().handle_websocket(websocket, send_unless_sock_has_it)
