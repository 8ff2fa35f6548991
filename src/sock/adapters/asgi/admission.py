"""Accepting or refusing a WebSocket connection over ASGI, and running it over the server's wire.

Where the server lets go of its socket, our wire takes over and the whole contract holds. Elsewhere
the server keeps its wire, and `LIMITS` states the parts of the contract that it cannot keep.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sock.hosting.asking import accept_upgrade
from sock.hosting.limit import report, report_needed
from sock.hosting.members import Members
from sock.live.bridge import Bridge
from sock.loop import Reactor
from sock.spec import Response
from sock.spec.wrapper import inner_class

from . import event
from .extension import RESPONSE_EXTENSION
from .limits import CONTROL, LIMITS, NAME_IN_LOG, REFUSAL

if TYPE_CHECKING:
    from sock.live.server_wire import ServerWire
    from sock.spec import Options, Request, Upgrade

    from .event import Scope, Send


async def deny(scope: Scope, request: Request, response: Response, send: Send) -> None:
    """Send a response in place of the upgrade, or as much of it as the server can send."""
    if RESPONSE_EXTENSION in (scope.get("extensions") or {}):
        await event.send_response(response, scope, send)
        return
    if response.status != 403 or response.body:
        report(NAME_IN_LOG, REFUSAL, Response, f"status {response.status}", request)
    await send({"type": "websocket.close"})


def connection_options(request: Request, upgrade: Upgrade, base: Options) -> Options:
    """Return the options of a connection that may be accepted.

    Raises:
        HandshakeError: a page of another site asks.
        HandlerError: the application chose something that only the host may choose.
    """
    return accept_upgrade(request, "", upgrade, base)[1]


async def run_bridge(
    wire: ServerWire, request: Request, upgrade: Upgrade, options: Options
) -> None:
    """Run an accepted connection over the server's own wire until it has ended.

    Args:
        wire: the accepted connection.
        request: the request that was upgraded.
        upgrade: the application's answer.
        options: all options; those that were given tell what the application needs.
    """
    loop = asyncio.get_running_loop()
    kind = inner_class(upgrade.handler)
    report_needed(NAME_IN_LOG, LIMITS, upgrade.handler, options, request)
    bridge = Bridge(
        Reactor.of(loop),
        wire,
        request,
        upgrade.handler,
        options,
        debug=loop.get_debug(),
        end_when_cancelled=getattr(wire, "end_when_cancelled", None),
        on_unsendable=lambda message: report(
            NAME_IN_LOG, CONTROL, kind, type(message).__name__, request
        ),
    )
    await Members.of(loop).run(bridge)
