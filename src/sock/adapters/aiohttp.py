"""aiohttp as a host, at native speed: its socket is taken over in a route handler.

    async def room(request: web.Request) -> web.StreamResponse:
        return await upgrade(request, Chat(request.match_info["room"]))

    app = web.Application()
    app.router.add_get("/rooms/{room}", room)
    app.router.add_get("/echo", handler(Echo))   # a whole application of Sock's, in a route
    setup(app)                                   # a stop drains; routes may raise Refuse

The whole contract holds, also over TLS and on loops without epoll.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from sock.hosting.asking import refused
from sock.hosting.limit import HEADS, LIFESPAN, host_with
from sock.hosting.takeover import Takeover, take_from_transport
from sock.loop import Reactor
from sock.observe import log
from sock.spec import HandshakeError, Options, Refuse, Request, Upgrade
from sock.wire import handshake

try:
    from aiohttp import web
    from aiohttp.http_exceptions import HttpProcessingError
except ImportError as error:  # pragma: no cover - tested in a subprocess
    raise ImportError("aiohttp is not installed: pip install 'sockpy[aiohttp]'") from error

from .body import check_announced_length, too_large
from .conversion import address_of, content_of, headers_of, type_name
from .hosted_application import HostedApplication
from .hosted_application import drain as drain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler

    from sock.loop import Pipe, Receiver
    from sock.spec import App, Response, Sock
    from sock.spec.upgrade import HeaderPairs

__all__ = ["HOST", "LIMITS", "drain", "handler", "setup", "upgrade"]

LIMITS: Final = (HEADS, LIFESPAN)
"""What is aiohttp's to do: no statement about a connection is among these."""

HOST: Final = host_with("aiohttp", LIMITS)
"""What `Request.host` is."""

_UPGRADED: Final = web.RequestKey("sock.upgraded", bool)
"""The key of a request whose response was a 101."""


async def upgrade(
    request: web.Request,
    handler: Sock[Any, Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
) -> web.StreamResponse:
    """Accept a WebSocket connection, hand it to a handler, and wait until it has ended.

    Call this in a route handler. It refuses invalid handshakes and pages of other sites by itself.

    Args:
        request: aiohttp's.
        handler: gets the connection.
        options: of this connection.
        subprotocol: the one chosen of those that the peer offered.
        headers: are sent with the 101.

    Returns:
        The response that the route handler must return.

    Raises:
        TypeError: `request` is no request of aiohttp's.
        RuntimeError: its response has begun.
        HandlerError: the subprotocol was not offered, or only the host may set one of the headers.
    """
    takeover = _takeover_of(request)
    accepting = Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options)
    try:
        takeover.begin(accepting, Options())
    except HandshakeError as refusal:
        return _closing(_response(refused(takeover.request, refusal)))
    except ConnectionResetError:
        return _peer_left()
    return await _wait(request, takeover)


def handler(
    app: App, *, options: Options | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a whole application, such as a Sock class, as a route handler.

    Args:
        app: a callable from a request to an answer.
        options: the options of an `Upgrade` are laid over these.
    """
    application = HostedApplication(app, options)

    async def route(request: web.Request) -> web.StreamResponse:
        takeover = _takeover_of(request)
        upgrading = handshake.asks_to_upgrade(takeover.request)
        if not upgrading:
            limit = application.options.max_body_size
            try:
                takeover.request.body = await _body_of(takeover.request, request, limit)
            except HandshakeError as refusal:
                return _response(refused(takeover.request, refusal))
            except ConnectionResetError:
                return _peer_left()
        answer = await application.ask(
            takeover.request, takeover.check_handshake, upgrading=upgrading
        )
        if isinstance(answer, Upgrade):
            try:
                response = takeover.begin_or_respond(answer, application.options)
            except ConnectionResetError:
                return _peer_left()
            if response is None:
                return await _wait(request, takeover)
            answer = response
        return _closing(_response(answer)) if upgrading else _response(answer)

    return route


def setup(app: web.Application, drain_timeout: float | None = 30.0) -> None:
    """Let an aiohttp application host Socks.

    When the application stops, its Socks finish the work under way and send 1012. Its routes and
    middlewares, and the constructor of a Sock there, may raise `Refuse`, whose response is sent. A
    connection whose request to upgrade was refused is closed, also where a route refused it without
    Sock.

    Args:
        app: an application that has not started.
        drain_timeout: seconds that the Socks have; None for no limit.
    """

    async def shutdown(_: web.Application) -> None:
        await drain(drain_timeout)

    app.on_shutdown.append(shutdown)
    app.on_response_prepare.append(_close_after_response)
    # Once inside the other middlewares, which see an ordinary response then; and once around them,
    # as they may raise Refuse themselves.
    app.middlewares.insert(0, _respond_to_refusal)
    app.middlewares.append(_respond_to_refusal)


@web.middleware
async def _respond_to_refusal(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the response of a `Refuse` that the route raises."""
    try:
        return await handler(request)
    except Refuse as refusal:
        if request.get(_UPGRADED) or request.writer.output_size:  # too late
            raise
        return _response(refused(_request(request), refusal))


async def _close_after_response(request: web.Request, response: web.StreamResponse) -> None:
    """Let nothing behind a request that asks to upgrade be read as another request.

    The bytes behind such a request may be frames, whatever the response is. RFC 9110 §7.8.
    """
    if (
        response.status != 101
        and "Upgrade" in request.headers
        and handshake.asks_to_upgrade(_request(request))
    ):
        response.force_close()


def _takeover_of(request: Any) -> Takeover:
    if not isinstance(request, web.Request):
        raise TypeError(
            f"upgrade takes the web.Request of a route handler of aiohttp's, not a"
            f" {type_name(request)}"
        )
    if request.writer.output_size:
        raise RuntimeError("upgrade comes too late: an answer to this request has begun")
    log.attach()
    reactor = Reactor.of(asyncio.get_running_loop())

    def take(connect: Callable[[Pipe], Receiver]) -> bytes:
        transport: Any = request.transport
        if transport is None:
            raise ConnectionResetError("the peer has gone")
        behind_head: Any = _BytesBehindHead()
        request.protocol.set_parser(behind_head)
        transport.pause_reading()
        take_from_transport(reactor, transport, connect)
        return bytes(behind_head.data)

    return Takeover(reactor, _request(request), take)


async def _wait(request: web.Request, takeover: Takeover) -> web.StreamResponse:
    """Wait for the end of a Sock, and then tell aiohttp of the end of its connection."""
    protocol = request.protocol
    request[_UPGRADED] = True
    try:
        await takeover.wait()
    finally:
        takeover.over.add_done_callback(lambda _: protocol.connection_lost(None))
    return _SentResponse()


def _request(request: web.Request) -> Request:
    transport = request.transport
    client = address_of(None if transport is None else transport.get_extra_info("peername"))
    if request.remote and (client is None or request.remote != client[0]):
        client = (request.remote, 0)  # a proxy has named the client, without its port
    made = Request(
        request.method,
        request.raw_path,
        list(request.raw_headers),
        http_version=f"{request.version.major}.{request.version.minor}",
        scheme=request.scheme,
        client=client,
        server=address_of(None if transport is None else transport.get_extra_info("sockname")),
        path_params=dict(request.match_info),
        host=HOST,
    )
    made.state["aiohttp.request"] = request
    return made


async def _body_of(made: Request, request: web.Request, limit: int) -> bytes:
    check_announced_length(made, limit)
    body = bytearray()
    try:
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > limit:
                raise too_large(limit)
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise HandshakeError(400, "the body is malformed (RFC 9112 §7)") from error
    return bytes(body)


def _response(response: Response) -> web.Response:
    return web.Response(
        status=response.status, body=content_of(response), headers=headers_of(response)
    )


def _closing(answer: web.Response) -> web.Response:
    """Close the connection after a response, where the application has no `setup`."""
    answer.force_close()
    return answer


def _peer_left() -> web.Response:
    """Return a response for the log of aiohttp, where the peer has left: the route has no error."""
    return web.Response(status=499)  # the status that nginx logs for this; it is never sent


@final
class _BytesBehindHead:
    """Takes the bytes that aiohttp has read behind the head, in place of its parser of frames."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """Do nothing: the pipe that reads now finds the end by itself."""


@final
class _SentResponse(web.StreamResponse):
    """The 101, which Sock has sent already."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: Any) -> Any:
        """Send nothing, as the 101 was sent."""

    async def write_eof(self, data: Any = b"") -> None:
        """Send nothing, as the connection has ended."""
