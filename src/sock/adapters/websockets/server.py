"""`upgrade` in a handler of websockets, and `hosting`: a whole application for its `serve`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Response as WebsocketsResponse

from sock.adapters.conversion import address_of, content_of, for_latin_1, headers_of, type_name
from sock.adapters.hosted_application import HostedApplication, check_not_draining
from sock.hosting.asking import accept_or_respond, refused
from sock.hosting.content import has_content_length
from sock.hosting.limit import report_needed
from sock.hosting.members import Members
from sock.hosting.options import options_of_connection
from sock.live.bridge import Bridge
from sock.loop import Reactor
from sock.observe import log
from sock.spec import (
    CloseCode,
    HandshakeError,
    Options,
    Request,
    Response,
    Upgrade,
)
from sock.wire import handshake

from .limits import HOST, HOST_OF_HANDLERS, LIMITS
from .wire import WebsocketsWire

if TYPE_CHECKING:
    from sock.spec import App, Host, Sock

_ACCEPTED: Final = "_sock_accepted"
"""The attribute of a connection that keeps the application's answer until its handler runs."""


async def upgrade(
    connection: ServerConnection, handler: Sock[Any, Any, Any], options: Options | None = None
) -> None:
    """Hand a connection to a handler, and wait until it has ended.

    The handshake is over already. So a page of another site is sent away with 1008, unless serve()
    was given `origins` of its own; `hosting` answers such a page with 403.

    Args:
        connection: a connection that websockets has accepted.
        handler: gets the connection.
        options: of this connection.

    Raises:
        TypeError: `connection` is no connection of websockets' asyncio server.
    """
    _check_type(connection)
    accepting = Upgrade(handler, options=options)
    all_options = options_of_connection(accepting, Options())
    request = request_of(connection, HOST_OF_HANDLERS)
    if "origins" in all_options.given or connection.protocol.origins is None:
        try:
            handshake.check_origin(request, all_options.origins)
        except HandshakeError as refusal:
            refused(request, refusal)
            await connection.close(CloseCode.POLICY_VIOLATION, "another site's page")
            return
    await _run_bridge(connection, request, accepting, all_options)


def hosting(app: App, *, options: Options | None = None) -> dict[str, Any]:
    """Return the arguments that make `serve` host an application: `serve(**hosting(app))`.

    The application is asked in `process_request`, so it may refuse, or answer an ordinary request.

    Args:
        app: a callable from a request to an answer, such as a Sock class.
        options: the options of an `Upgrade` are laid over these.
    """
    application = HostedApplication(app, options)

    async def process_request(connection: ServerConnection, _: Any) -> WebsocketsResponse | None:
        request = request_of(connection, HOST)
        answer = await application.ask(request, check_not_draining, upgrading=True)
        if isinstance(answer, Response):
            return _response(answer)
        accepted = accept_or_respond(request, "", answer, application.options)
        if isinstance(accepted, Response):
            return _response(accepted)
        setattr(connection, _ACCEPTED, (request, answer, accepted[1]))
        return None

    def select_subprotocol(connection: ServerConnection, _: Any) -> Any:
        _, answer, _ = getattr(connection, _ACCEPTED)
        return answer.subprotocol

    def process_response(
        connection: ServerConnection, _: Any, response: WebsocketsResponse
    ) -> None:
        if response.status_code == 101:
            _, answer, _ = getattr(connection, _ACCEPTED)
            for name, value in answer.headers:
                response.headers[name] = for_latin_1(value)

    async def handler(connection: ServerConnection) -> None:
        request, answer, all_options = getattr(connection, _ACCEPTED)
        await _run_bridge(connection, request, answer, all_options)

    return {
        "handler": handler,
        "process_request": process_request,
        "select_subprotocol": select_subprotocol,
        "process_response": process_response,
        "max_size": application.options.max_message_size,
    }


def request_of(connection: ServerConnection, host: Host) -> Request:
    """Return the request that websockets has read."""
    theirs: Any = connection.request
    request = Request(
        getattr(theirs, "method", "GET"),  # releases that do not tell it take no other
        theirs.path,
        [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in theirs.headers.raw_items()
        ],
        http_version=getattr(theirs, "protocol", "HTTP/1.1").removeprefix("HTTP/"),
        scheme="http" if connection.transport.get_extra_info("sslcontext") is None else "https",
        client=address_of(connection.remote_address),
        server=address_of(connection.local_address),
        host=host,
    )
    request.state["websockets.connection"] = connection
    return request


def _check_type(connection: Any) -> None:
    if not isinstance(connection, ServerConnection):
        raise TypeError(
            f"upgrade takes the ServerConnection of websockets.asyncio.server.serve, not a"
            f" {type_name(connection)}"
        )


async def _run_bridge(
    connection: ServerConnection, request: Request, upgrade: Upgrade, options: Options
) -> None:
    log.attach()
    loop = asyncio.get_running_loop()
    report_needed(HOST.name, LIMITS, upgrade.handler, options, request)
    wire = WebsocketsWire(connection)
    bridge = wire.bridge = Bridge(
        Reactor.of(loop), wire, request, upgrade.handler, options, debug=loop.get_debug()
    )
    await Members.of(loop).run(bridge)


def _response(response: Response) -> WebsocketsResponse:
    body = content_of(response)
    headers = Headers((name, for_latin_1(value)) for name, value in headers_of(response))
    if has_content_length(response.status):
        headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    return WebsocketsResponse(response.status, "", headers, body)
