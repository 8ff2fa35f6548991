"""How a connection comes in over ASGI: what is checked, how it is accepted or denied, how it lives.

Where the server lets go of its socket, our wire takes over and all of the contract holds. Elsewhere
the server keeps its wire, and `LIMITS` says what that leaves undone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.hosting.asking import accept_upgrade
from sock.hosting.limit import Limit, report, report_needed
from sock.hosting.members import Members
from sock.hosting.takeover import Takeover
from sock.live.bridge import Bridge
from sock.loop import Reactor
from sock.spec import HandlerError, HandshakeError, Response

from . import event
from .hosted import failed, refused

if TYPE_CHECKING:
    from sock.live.server_wire import ServerWire
    from sock.spec import Options, Request, Upgrade

    from .event import Scope, Send

EXTENSION: Final = "sock"
"""The name under which a server that lets go of its socket says so, in a scope's extensions."""

KEPT: Final = "sock.kept"
"""The key of a scope for what may outlive its route; `Middleware` sets it, others look there."""

HOST: Final = "this ASGI server (uvicorn can, with --ws sock.adapters.uvicorn:SockProtocol)"

_CONTROL: Final = Limit(
    "control",
    ("S2.5", "S5.1", "S5.2", "S5.3", "S5.4", "S12.3"),
    "pings and pongs are the server's: none is pushed, none is told to the handler",
    method="handle_control",
    options=frozenset({"ping_interval"}),
)

LIMITS: Final = (
    _CONTROL,
    Limit(
        "idle",
        ("S12.1", "S12.2", "S12.4"),
        "whether the peer is alive is found out by the server, by its own settings",
        options=frozenset({"idle_timeout"}),
    ),
    Limit(
        "buffer",
        ("S2.11", "S1.9", "S11.1", "S11.2"),
        "the server decides when bytes leave; many take any message at once, however slow the peer",
        options=frozenset({"send_timeout"}),
    ),
    Limit(
        "pressure",
        ("S11.3", "S11.4"),
        "the server decides how much it reads ahead; most hold the peer back",
    ),
    Limit(
        "detail",
        ("S16.1",),
        "some servers tell neither code nor detail of the peer's Close, or not their absence",
    ),
    Limit(
        "close",
        ("S7.5", "S9.3", "S9.4"),
        "the server answers the peer's Close by itself, and then ends TCP",
    ),
    Limit(
        "violations",
        ("S15.1", "S15.2", "S15.3", "S15.8"),
        "the server answers violations by itself, with a code of its own",
    ),
    Limit(
        "early",
        ("S1.10",),
        "most servers lose what comes in one piece with the handshake",
    ),
    Limit(
        "handshake",
        ("S14.1", "S14.4"),
        "the server judges the handshake; it may let in one that is not valid, and what it refuses"
        " by itself it may read on behind",
    ),
    Limit(
        "options",
        ("S15.5", "S15.7", "S17.1", "S17.2"),
        "compression, fragments and the largest message are the server's settings",
        options=frozenset({"compression", "max_fragments", "max_message_size"}),
    ),
    Limit(
        "drain",
        ("S7.8",),
        "what is under way when the server stops has as long as the server gives it",
    ),
    Limit(
        "text",
        ("S13.10",),
        "some servers lose, or send otherwise, what is no ASCII in a header field",
    ),
)
"""What ASGI does not let through. Of a takeover nothing of it is true."""

REFUSAL: Final = Limit(
    "responses",
    ("S1.2", "S1.3", "S1.4", "S1.12", "S14.1"),
    "without the extension websocket.http.response every refusal is a 403 without a body",
)


DENIAL: Final = "websocket.http.response"
"""The extension by which a server lets an application answer in place of the upgrade."""


def takeover_of(scope: Scope) -> Takeover | None:
    """Return what a server offers that lets go of its socket."""
    extensions: Any = scope.get("extensions") or {}
    found: Any = extensions.get(EXTENSION)
    return found if isinstance(found, Takeover) else None


async def deny(scope: Scope, request: Request, response: Response, send: Send) -> None:
    """Answer in place of the upgrade, or as much of that as the server can."""
    if DENIAL in (scope.get("extensions") or {}):
        await event.answer(response, scope, send)
        return
    if response.status != 403 or response.body:
        report(HOST, REFUSAL, Response, f"status {response.status}", request)
    await send({"type": "websocket.close"})


def limits_of(request: Request, upgrade: Upgrade, base: Options) -> Options:
    """Return the limits of a connection that may be.

    Raises:
        HandshakeError: another site's page asks.
        HandlerError: the application chose what is not its to choose.
    """
    return accept_upgrade(request, "", upgrade, base)[1]


def agreed(request: Request, upgrade: Upgrade, base: Options) -> Options | Response:
    """Return the limits of the connection, or the answer to one that cannot be."""
    try:
        return limits_of(request, upgrade, base)
    except HandshakeError as refusal:
        return refused(request, refusal)
    except HandlerError as error:
        return failed(request, error)


async def live(foreign: ServerWire, request: Request, upgrade: Upgrade, options: Options) -> None:
    """Live from the acceptance to the end, over the server's own wire.

    Args:
        foreign: the connection, accepted.
        request: that was upgraded.
        upgrade: the application's answer.
        options: all limits; those that were set tell what the application needs.
    """
    loop = asyncio.get_running_loop()
    kind = type(upgrade.handler)
    report_needed(HOST, LIMITS, upgrade.handler, options, request)
    bridge = Bridge(
        Reactor.of(loop),
        foreign,
        request,
        upgrade.handler,
        options,
        debug=loop.get_debug(),
        cancelled=getattr(foreign, "cancelled", None),
        on_unsendable=lambda message: report(HOST, _CONTROL, kind, type(message).__name__, request),
    )
    members = Members.of(loop)
    members.add(bridge)
    try:
        await bridge.run()
    finally:
        members.discard(bridge)
