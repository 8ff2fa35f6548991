"""The WebSocket objects of ASGI frameworks, in the form that `upgrade` uses.

No framework is imported: an object shows by its attributes to which framework it belongs.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, final

from sock.adapters.conversion import type_name
from sock.spec import CloseCode, Prepared, Remote, Text

from . import admission, event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sock.live.server_wire import ServerWire
    from sock.spec import Message, Ping, Pong, Request, Response, Shutdown, Upgrade

    from .event import Event, Scope


def adapt_quart_if_imported() -> None:
    """Have Quart make its connections from our subclass from now on, if Quart was imported."""
    if "quart.app" in sys.modules:
        from . import quart

        quart.adapt()


adapt_quart_if_imported()


_ACCEPTED: Final = "the WebSocket was accepted already: upgrade does that itself"


class FrameworkConnection(Protocol):
    """A framework's WebSocket that has not been accepted yet."""

    scope: Scope
    wire: ServerWire
    """The connection, for use once it is accepted."""

    @property
    def receive_after_route(self) -> Callable[[], Awaitable[Event]] | None:
        """Receives the events that arrive after the route; None for the server's own `receive`."""
        ...

    @property
    def outlives_route(self) -> bool:
        """Whether the connection can go on after its route has returned."""
        ...

    async def prepare(self) -> None:
        """Receive the event "websocket.connect", if the framework has not done that.

        Raises:
            RuntimeError: the connection was accepted already.
        """

    async def accept(self, upgrade: Upgrade, /) -> None:
        """Send the acceptance."""

    async def deny(self, request: Request, response: Response, /) -> None:
        """Send a response in place of the upgrade."""


def framework_connection(websocket: Any) -> FrameworkConnection:
    """Return a framework's WebSocket object in the form that `upgrade` uses.

    Raises:
        TypeError: the object is a WebSocket of none of these frameworks.
    """
    scope = getattr(websocket, "scope", None)
    if not isinstance(scope, dict) or "type" not in scope:
        raise TypeError(
            f"upgrade takes the WebSocket of an ASGI framework (Starlette, FastAPI, Litestar,"
            f" Quart), not a {type_name(websocket)}. aiohttp, tornado, websockets"
            " and django have their own in sock.adapters"
        )
    if scope["type"] != "websocket":
        raise TypeError(
            f"this is a request of the type {scope['type']!r}: an upgrade needs a route for"
            " WebSockets, such as @app.websocket"
        )
    if any(base.__module__.startswith("quart.") for base in websocket.__class__.__mro__):
        return _QuartConnection(websocket)
    return _EventConnection(websocket)


@final
class _EventConnection:
    """A WebSocket of Starlette, FastAPI or Litestar, which takes and gives ASGI's own events.

    The events pass the state machine of the framework, so that the framework knows the state too.
    """

    receive_after_route = None
    outlives_route = True

    def __init__(self, websocket: Any) -> None:
        self.scope: Scope = websocket.scope
        self.wire: ServerWire = event.AsgiWire(self.scope, websocket.receive, websocket.send)
        self._websocket = websocket

    async def prepare(self) -> None:
        websocket = self._websocket
        if getattr(getattr(websocket, "application_state", None), "name", "CONNECTING") != (
            "CONNECTING"
        ):
            raise RuntimeError(_ACCEPTED)
        # Starlette calls the state `client_state`, Litestar calls it `connection_state`.
        state = getattr(websocket, "client_state", None)
        if getattr(state, "name", None) == "CONNECTING" or (
            getattr(websocket, "connection_state", None) == "init"
        ):
            await websocket.receive()

    async def accept(self, upgrade: Upgrade, /) -> None:
        await event.send_acceptance(upgrade, self._websocket.send)

    async def deny(self, request: Request, response: Response, /) -> None:
        await admission.deny(self.scope, request, response, self._websocket.send)


@final
class _QuartConnection:
    """A WebSocket of Quart, which receives by itself and cancels its route when the peer leaves."""

    passes_control_frames = False

    def __init__(self, websocket: Any) -> None:
        from . import quart

        quart.adapt()  # for the next connections, where Quart was imported after this module
        self._route_key = quart.ROUTE_TASK
        # The proxy would look up the current route at every use, also where no route runs.
        self._websocket: Any = websocket._get_current_object()  # noqa: SLF001 - werkzeug's way
        self.scope: Scope = self._websocket.scope
        self.wire: ServerWire = self
        self.outlives_route = self._route_key in self.scope
        # Without our subclass, Quart cancels the route when the peer has left, and only then.
        self.end_when_cancelled = (
            None if self.outlives_route else Remote(CloseCode.ABNORMAL_CLOSURE)
        )
        self._events = event.AsgiWire(self.scope, self.receive_after_route, self._websocket.send)

    async def prepare(self) -> None:
        # Quart has received the connect event. It accepts by itself when a route receives or sends.
        accept: Any = getattr(getattr(self._websocket, "_accept", None), "func", None)
        if getattr(getattr(accept, "__self__", None), "_accepted", False):
            raise RuntimeError(_ACCEPTED)

    async def accept(self, upgrade: Upgrade, /) -> None:
        from werkzeug.datastructures import Headers

        self.scope[self._route_key] = asyncio.current_task()
        await self._websocket.accept(Headers(list(upgrade.headers)), upgrade.subprotocol)

    async def deny(self, request: Request, response: Response, /) -> None:  # noqa: ARG002 - Quart answers by the exception
        from werkzeug.exceptions import HTTPException
        from werkzeug.wrappers import Response as QuartResponse

        closing = event.headers_to_text(event.closing_headers(self.scope))
        headers = [*response.headers, *closing]
        raise HTTPException(response=QuartResponse(response.body, response.status, headers))

    async def receive(self) -> str | bytes | Ping | Pong | Remote | Shutdown:
        return await self._events.receive()

    async def receive_after_route(self) -> Event:
        """Receive an event. Messages from before the upgrade come in Quart's form."""
        received: Any = await self._websocket.receive()
        if isinstance(received, str):
            return {"type": "websocket.receive", "text": received}
        if isinstance(received, bytes):
            return {"type": "websocket.receive", "bytes": received}
        return cast("Event", received)

    async def send(self, message: Message, /) -> None:
        if isinstance(message, Prepared):
            message = message.message
        if isinstance(message, Text):
            message = message.utf8.decode()
        await self._websocket.send(message)

    async def close(self, code: int | None, detail: str, /) -> None:
        await self._websocket.close(CloseCode.NORMAL if code is None else code, detail)
