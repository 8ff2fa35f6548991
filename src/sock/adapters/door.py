"""The WebSocket objects of ASGI frameworks, told apart by what they can do: none is imported."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, final

from sock.spec import CloseCode, Prepared, Remote, Text

from . import admission, event
from .hosted import kind_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sock.live.server_wire import ServerWire
    from sock.spec import Message, Ping, Pong, Request, Response, Shutdown, Upgrade

    from .event import Event, Scope


def watch_quart() -> None:
    """Watch Quart's connections from now on, if it was imported."""
    if "quart.app" in sys.modules:
        from . import quart

        quart.watch()


watch_quart()


_ACCEPTED: Final = "the WebSocket was accepted already: upgrade does that itself"


class Door(Protocol):
    """A framework's connection that has not been accepted."""

    scope: Scope
    foreign: ServerWire
    """The connection, once it is accepted."""

    @property
    def told(self) -> Callable[[], Awaitable[Event]] | None:
        """By what its events are received behind its route; None for what the server gives."""
        ...

    @property
    def lasting(self) -> bool:
        """Whether it may outlive its route."""
        ...

    async def open(self) -> None:
        """Take note that the peer is there.

        Raises:
            RuntimeError: it was accepted already.
        """

    async def accept(self, upgrade: Upgrade, /) -> None:
        """Send the acceptance."""

    async def deny(self, request: Request, response: Response, /) -> None:
        """Answer in place of the upgrade."""


def door_of(connection: Any) -> Door:
    """Return a framework's WebSocket as a door.

    Raises:
        TypeError: it is none that is known here.
    """
    kind = kind_of(connection)
    scope = getattr(connection, "scope", None)
    if not isinstance(scope, dict) or "type" not in scope:
        raise TypeError(
            f"upgrade takes the WebSocket of an ASGI framework (Starlette, FastAPI, Litestar,"
            f" Quart), not a {kind}. aiohttp, tornado, websockets"
            " and django have their own in sock.adapters"
        )
    if scope["type"] != "websocket":
        raise TypeError(
            f"this is a request of the type {scope['type']!r}: an upgrade needs a route for"
            " WebSockets, such as @app.websocket"
        )
    if any(base.__module__.startswith("quart.") for base in connection.__class__.__mro__):
        return _Quart(connection)
    return _Plain(connection)


@final
class _Plain:
    """Of Starlette, FastAPI and Litestar: ASGI's own events, passed through their state machine."""

    told = None
    lasting = True

    def __init__(self, connection: Any) -> None:
        self.scope: Scope = connection.scope
        self.foreign: ServerWire = event.Events(self.scope, connection.receive, connection.send)
        self._connection = connection

    async def open(self) -> None:
        connection = self._connection
        if getattr(getattr(connection, "application_state", None), "name", "CONNECTING") != (
            "CONNECTING"
        ):
            raise RuntimeError(_ACCEPTED)
        # Starlette's names for it, and Litestar's.
        state = getattr(connection, "client_state", None)
        if getattr(state, "name", None) == "CONNECTING" or (
            getattr(connection, "connection_state", None) == "init"
        ):
            await connection.receive()

    async def accept(self, upgrade: Upgrade, /) -> None:
        await event.accept(upgrade, self._connection.send)

    async def deny(self, request: Request, response: Response, /) -> None:
        await admission.deny(self.scope, request, response, self._connection.send)


@final
class _Quart:
    """Of Quart, which receives by itself and cancels its route when the peer has gone."""

    controls = False

    def __init__(self, connection: Any) -> None:
        from . import quart

        quart.watch()  # where it was imported after us: from the next connection on
        self._route = quart.ROUTE
        # The proxy looks for the current route's connection each time, also where there is none.
        self._connection: Any = connection._get_current_object()  # noqa: SLF001 - werkzeug's way
        self.scope: Scope = self._connection.scope
        self.foreign: ServerWire = self
        # Where nobody watches, Quart cancels the route when the peer has gone, and only then.
        self.cancelled = None if self._route in self.scope else Remote(CloseCode.ABNORMAL_CLOSURE)
        self.lasting = self.cancelled is None
        self._events = event.Events(self.scope, self.told, self._connection.send)

    async def open(self) -> None:
        # Quart has taken note of the peer. It accepts by itself, when a route receives or sends.
        within: Any = getattr(getattr(self._connection, "_accept", None), "func", None)
        if getattr(getattr(within, "__self__", None), "_accepted", False):
            raise RuntimeError(_ACCEPTED)

    async def accept(self, upgrade: Upgrade, /) -> None:
        from werkzeug.datastructures import Headers

        self.scope[self._route] = asyncio.current_task()
        await self._connection.accept(Headers(list(upgrade.headers)), upgrade.subprotocol)

    async def deny(self, request: Request, response: Response, /) -> None:  # noqa: ARG002 - it is not told
        from werkzeug.exceptions import HTTPException
        from werkzeug.wrappers import Response as Answer

        headers = [*response.headers, *event.in_text(event.closing(self.scope))]
        raise HTTPException(response=Answer(response.body, response.status, headers))

    async def receive(self) -> str | bytes | Ping | Pong | Remote | Shutdown:
        return await self._events.receive()

    async def told(self) -> Event:
        """Receive an event: as it came, or in Quart's words from before the upgrade."""
        told: Any = await self._connection.receive()
        if isinstance(told, (str, bytes)):
            return {"type": "websocket.receive", "text" if isinstance(told, str) else "bytes": told}
        return cast("Event", told)

    async def send(self, message: Message, /) -> None:
        if isinstance(message, Prepared):
            message = message.message
        if isinstance(message, Text):
            message = message.utf8.decode()
        await self._connection.send(message)

    async def close(self, code: int | None, detail: str, /) -> None:
        await self._connection.close(CloseCode.NORMAL if code is None else code, detail)
