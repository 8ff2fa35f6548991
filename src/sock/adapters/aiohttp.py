"""aiohttp as a host, at native speed: its socket is taken over in a route handler.

    async def room(request: web.Request) -> web.StreamResponse:
        return await upgrade(request, Chat(request.match_info["room"]))

    app = web.Application()
    app.router.add_get("/rooms/{room}", room)
    app.router.add_get("/echo", handler(Echo))   # a whole application of Sock's, in a route
    setup(app)                                   # a stop drains; routes may raise Refuse

All of the contract holds, over TLS and on loops without epoll too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from sock.hosting.takeover import Takeover, take_from_transport
from sock.loop import Reactor
from sock.observe import log
from sock.spec import HandshakeError, Options, Refuse, Request, Upgrade
from sock.wire import handshake

try:
    from aiohttp import web
    from aiohttp.http_exceptions import HttpProcessingError
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("aiohttp is not installed: pip install 'sockpy[aiohttp]'") from error

from .hosted import (
    Hosted,
    address_of,
    body_of,
    check_length,
    headers_of,
    kind_of,
    refused,
    too_large,
)
from .hosted import drain as drain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler

    from sock.hosting.limit import Limit
    from sock.live import Link
    from sock.loop import Pipe
    from sock.spec import App, Response, Sock
    from sock.spec.upgrade import HeaderPairs

__all__ = ["LIMITS", "drain", "handler", "setup", "upgrade"]

LIMITS: Final[tuple[Limit, ...]] = ()
"""What is declared not to hold: nothing."""

_UPGRADED: Final = web.RequestKey("sock.upgraded", bool)
"""The key of a request that was answered with a 101."""


async def upgrade(
    request: web.Request,
    handler: Sock[Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
) -> web.StreamResponse:
    """Accept a WebSocket connection and hand it to a handler, until it has ended.

    Called in a route handler. What is no valid handshake, or another site's page, is refused.

    Args:
        request: aiohttp's.
        handler: takes over.
        options: limits of this connection.
        subprotocol: the one chosen of those offered.
        headers: sent with the 101.

    Returns:
        What the route handler is to return.

    Raises:
        TypeError: it is no request of aiohttp's.
        RuntimeError: an answer to it has begun.
        HandlerError: the subprotocol was not offered, or a header is the host's to say.
    """
    takeover = _takeover_of(request)
    accepting = Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options)
    try:
        takeover.begin(accepting, Options())
    except HandshakeError as refusal:
        return _last(_response(refused(takeover.request, refusal)))
    except ConnectionResetError:
        return _gone()
    return await _lived(request, takeover)


def handler(
    app: App, *, options: Options | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a whole application, such as a Sock class, as a route handler.

    Args:
        app: from a request to an answer.
        options: limits; what an `Upgrade` gives is laid over them.
    """
    application = Hosted(app, options)

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
                return _gone()
        answer = await application.ask(takeover.request, takeover.check, upgrading=upgrading)
        if isinstance(answer, Upgrade):
            try:
                response = takeover.begin_or_respond(answer, application.options)
            except ConnectionResetError:
                return _gone()
            if response is None:
                return await _lived(request, takeover)
            answer = response
        return _last(_response(answer)) if upgrading else _response(answer)

    return route


def setup(app: web.Application, drain_timeout: float | None = 30.0) -> None:
    """Let an aiohttp application host Socks: what a stop, a refusal and its routes need.

    When the application stops, its Socks finish what is under way and say 1012. `Refuse` may be
    raised in its routes and middlewares, and in a Sock's constructor there, and is the answer. A
    connection that asked to upgrade and was refused, whoever has answered, is closed.

    Args:
        app: before it has started.
        drain_timeout: seconds that the Socks have; None for ever.
    """

    async def shutdown(_: web.Application) -> None:
        await drain(drain_timeout)

    app.on_shutdown.append(shutdown)
    app.on_response_prepare.append(_answer_once)
    # Inside the other middlewares, so that they see an answer like any other; and around them, for
    # those that refuse themselves.
    app.middlewares.insert(0, _refusing)
    app.middlewares.append(_refusing)


@web.middleware
async def _refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a `Refuse` of the route with its response."""
    try:
        return await handler(request)
    except Refuse as refusal:
        if request.get(_UPGRADED) or request.writer.output_size:  # it comes too late
            raise
        return _response(refused(_request(request), refusal))


async def _answer_once(request: web.Request, response: web.StreamResponse) -> None:
    """Let nothing behind a request that asks to upgrade be read as another request.

    It may be frames, and is never a request, whatever is answered. RFC 9110 §7.8.
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
            f" {kind_of(request)}"
        )
    if request.writer.output_size:
        raise RuntimeError("upgrade comes too late: an answer to this request has begun")
    log.attach()
    reactor = Reactor.of(asyncio.get_running_loop())

    def take(connect: Callable[[Pipe], Link]) -> bytes:
        transport: Any = request.transport
        if transport is None:
            raise ConnectionResetError("the peer has gone")
        tail: Any = _Tail()
        request.protocol.set_parser(tail)
        transport.pause_reading()
        take_from_transport(reactor, transport, connect)
        return bytes(tail.data)

    return Takeover(reactor, _request(request), take)


async def _lived(request: web.Request, takeover: Takeover) -> web.StreamResponse:
    """Wait for the end; then let aiohttp know of it, which was told nothing meanwhile."""
    protocol = request.protocol
    request[_UPGRADED] = True
    try:
        await takeover.wait()
    finally:
        takeover.over.add_done_callback(lambda _: protocol.connection_lost(None))
    return _Upgraded()


def _request(request: web.Request) -> Request:
    transport = request.transport
    client = address_of(None if transport is None else transport.get_extra_info("peername"))
    if request.remote and (client is None or request.remote != client[0]):
        client = (request.remote, 0)  # a proxy's word, which has no port
    made = Request(
        request.method,
        request.raw_path,
        list(request.raw_headers),
        http_version=f"{request.version.major}.{request.version.minor}",
        scheme=request.scheme,
        client=client,
        server=address_of(None if transport is None else transport.get_extra_info("sockname")),
        path_params=dict(request.match_info),
    )
    made.state["aiohttp.request"] = request
    return made


async def _body_of(made: Request, request: web.Request, limit: int) -> bytes:
    check_length(made, limit)
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
        status=response.status, body=body_of(response), headers=headers_of(response)
    )


def _last(answer: web.Response) -> web.Response:
    """Return an answer behind which nothing is read, where `setup` does not see to that."""
    answer.force_close()
    return answer


def _gone() -> web.Response:
    """Return what a peer that has left is told: no error of the route's, and a line for the log."""
    return web.Response(status=499)  # nginx's number for it, which nobody hears


@final
class _Tail:
    """Takes what aiohttp has read behind the head, in place of its own parser of frames."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """Nothing to do: who reads now will notice."""


@final
class _Upgraded(web.StreamResponse):
    """The answer that was given already."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: Any) -> Any:
        """Send nothing: the 101 has gone out long ago."""

    async def write_eof(self, data: Any = b"") -> None:
        """Send nothing."""
