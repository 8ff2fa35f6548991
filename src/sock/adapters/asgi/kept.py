"""Connections that go on after their route has returned, kept open by `Middleware`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, final

from .refusal import RefusalSender

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .event import Event, Receive, Scope, Send

KEPT: Final = "sock.kept"
"""The key of a scope under which `Middleware` puts its `KeptConnection`."""


@final
class KeptConnection:
    """The server's side of a connection whose Sock may go on after the route has returned."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.receive = receive
        self.send = send
        self.responses = RefusalSender(scope, send)
        self.tasks: list[asyncio.Task[None]] = []
        """The tasks that run the Sock after its route has returned: at most one."""

    def send_for_route(self, event: Event) -> Awaitable[None]:
        """Send an event of the framework's, unless it closes a connection that a Sock still has."""
        if self.tasks and event["type"] == "websocket.close":
            return asyncio.sleep(0)
        return self.responses.send(event)

    async def wait(self) -> None:
        """Wait until the Sock has ended. A cancellation of this wait does not reach the Sock."""
        for task in self.tasks:
            await asyncio.shield(task)
