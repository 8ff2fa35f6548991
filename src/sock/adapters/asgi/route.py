"""`upgrade`: accept a framework's WebSocket in its route, and hand it to a handler."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sock.adapters import hosted_application
from sock.hosting import asking
from sock.observe import log
from sock.spec import HandshakeError, Options, Upgrade

from . import admission, event
from .extension import takeover_of
from .framework import framework_connection
from .kept import KEPT

if TYPE_CHECKING:
    from sock.spec import Sock
    from sock.spec.upgrade import HeaderPairs

    from .kept import KeptConnection


async def upgrade(
    connection: Any,
    handler: Sock[Any, Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
    release: bool = False,
) -> None:
    """Accept a framework's WebSocket, hand it to a handler, and wait until it has ended.

    Call this in a route, before the connection is accepted and after the framework has done its
    part: dependencies, sessions, authentication. A page of another site is refused here.

    Args:
        connection: the WebSocket object of Starlette, FastAPI, Litestar or Quart.
        handler: gets the connection.
        options: of this connection.
        subprotocol: the one chosen of those that the peer offered.
        headers: are sent with the 101.
        release: return at the upgrade, so that the framework gives back the resources that it
            holds for the route, such as a database session. Needs `sock.adapters.uvicorn` as the
            server's protocol, or `Middleware` around the application.

    Raises:
        TypeError: `connection` is not the WebSocket of a framework that is known here.
        RuntimeError: the connection was accepted already, or the route cannot be released.
        HandlerError: the subprotocol was not offered, or only the host may set one of the headers.
    """
    log.attach()
    websocket = framework_connection(connection)
    base = Options() if options is None else options
    accepting = Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options)
    takeover = takeover_of(websocket.scope)
    kept: KeptConnection | None = websocket.scope.get(KEPT)
    if release and takeover is None and kept is None:
        raise RuntimeError(
            "this server keeps a connection only as long as its route runs: for release=True, run"
            " uvicorn with --ws sock.adapters.uvicorn:SockProtocol, or wrap the application in"
            " sock.adapters.asgi.Middleware"
        )
    if release and takeover is None and not websocket.outlives_route:
        raise RuntimeError(
            "this framework keeps a connection only as long as its route runs: for release=True,"
            " run uvicorn with --ws sock.adapters.uvicorn:SockProtocol; or import Quart before"
            " sock.adapters.asgi, and leave its asgi_websocket_class as it is"
        )
    await websocket.prepare()
    if takeover is not None:
        takeover.check_unanswered()
    request = event.request_of(websocket.scope, mounted=False)
    try:
        if takeover is None:
            hosted_application.check_not_draining()
        else:
            takeover.check_handshake()
        all_options = admission.connection_options(request, accepting, base)
    except HandshakeError as refusal:
        if takeover is not None:
            takeover.refusal_reported = True
        await websocket.deny(request, asking.refused(request, refusal))
        return
    if takeover is not None:
        takeover.begin_arguments, takeover.seen_request = (accepting, base), request
    await websocket.accept(accepting)
    if takeover is not None:
        if release:
            takeover.check_unanswered()
        else:
            await takeover.wait()
        return
    if release and kept is not None:
        receive = websocket.receive_after_route or kept.receive
        wire = event.AsgiWire(websocket.scope, receive, kept.send)
        running = admission.run_bridge(wire, request, accepting, all_options)
        kept.tasks.append(asyncio.get_running_loop().create_task(running))
    else:
        await admission.run_bridge(websocket.wire, request, accepting, all_options)
