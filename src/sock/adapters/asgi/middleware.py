"""A middleware of ASGI for applications with Socks in their routes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from sock import telemetry
from sock.adapters.hosted_application import drain
from sock.spec import Refuse

from . import event
from .framework import adapt_quart_if_imported
from .kept import KEPT, KeptConnection
from .refusal import RefusalSender

if TYPE_CHECKING:
    from .event import Event, Receive, Scope, Send


@final
class Middleware:
    """Around an ASGI application with Socks in it: drains, answers `Refuse`, releases routes.

    For a framework whose routes call `upgrade`::

        app.add_middleware(Middleware)  # Starlette, FastAPI
        application = Middleware(app)  # any, as the application that the server gets

    At the end of the lifespan the Socks finish the work under way and send 1012. A `Refuse` that is
    raised in a route, in a dependency, or in the constructor of a Sock there, is answered with its
    response, where it would be an internal error otherwise. And `upgrade` may release its route on
    any server.

    Args:
        app: any ASGI 3 application.
        drain_timeout: seconds that the Socks have when the server stops; None for no limit.
    """

    def __init__(self, app: Any, drain_timeout: float | None = 30.0) -> None:
        adapt_quart_if_imported()
        self._app = app
        self._drain_timeout = drain_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] == "lifespan":

            async def receive_and_drain() -> Event:
                received = await receive()
                if received["type"] == "lifespan.shutdown":
                    await drain(self._drain_timeout)
                return received

            await self._app(scope, receive_and_drain, send)
        elif scope["type"] == "websocket":
            await self._keep(scope, KeptConnection(scope, receive, send))
        elif scope["type"] == "http":
            responses = RefusalSender(scope, send)
            try:
                await self._app(scope, receive, responses.send)
            except Refuse as refusal:
                await responses.refuse(refusal)
        else:
            await self._app(scope, receive, send)

    async def _keep(self, scope: Scope, kept: KeptConnection) -> None:
        """Run the application for one WebSocket, and wait for the Sock that goes on behind it."""
        try:
            try:
                await self._app({**scope, KEPT: kept}, kept.receive, kept.send_for_route)
            except Exception as error:
                if isinstance(error, Refuse) and not kept.tasks:
                    await kept.responses.refuse(error)
                    return
                if not kept.tasks:
                    raise
                # Such as an error of a dependency's clean-up: the connection goes on.
                request = event.request_of(scope, mounted=False)
                place = "the route behind upgrade"
                telemetry.emit("callback.failed", request=request, error=error, place=place)
            await kept.wait()
        except asyncio.CancelledError:
            for task in kept.tasks:
                task.cancel()
            await asyncio.wait(kept.tasks) if kept.tasks else None
            raise
