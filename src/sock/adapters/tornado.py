"""Tornado as a host, at native speed: its stream is detached in a request handler.

    class Room(RequestHandler):
        async def get(self, room: str) -> None:
            await upgrade(self, Chat(room))

    Application([(r"/rooms/(.+)", Room), (r"/echo", hosting(Echo))])

Before the server stops, `await drain()` says 1012 to all. All of the contract holds, over TLS and
on loops without epoll too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sock.observe import log
from sock.runtime import Reactor
from sock.runtime.takeover import Takeover, doubled
from sock.spec import HandlerError, HandshakeError, Options, Request, Upgrade
from sock.wire import handshake

try:
    from tornado import iostream, web
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("Tornado is not installed: pip install 'sockpy[tornado]'") from error

from .hosted import (
    Hosted,
    address_of,
    body_of,
    failed,
    for_latin_1,
    headers_of,
    kind_of,
    refused,
    too_large,
)
from .hosted import drain as drain
from .stream import StreamChannel

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.runtime import Channel, Link
    from sock.runtime.limit import Limit
    from sock.spec import App, Response, Sock
    from sock.spec.upgrade import HeaderPairs

__all__ = ["LIMITS", "drain", "hosting", "upgrade"]

LIMITS: Final[tuple[Limit, ...]] = ()
"""What is declared not to hold: nothing."""


async def upgrade(
    request: web.RequestHandler,
    handler: Sock[Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
) -> None:
    """Accept a WebSocket connection and hand it to a handler, until it has ended.

    Called in `get`. What is no valid handshake, or another site's page, is refused.

    Args:
        request: Tornado's RequestHandler.
        handler: takes over.
        options: limits of this connection.
        subprotocol: the one chosen of those offered.
        headers: sent with the 101.

    Raises:
        TypeError: it is no RequestHandler.
        RuntimeError: it has begun to answer.
        HandlerError: the subprotocol was not offered, or a header is the host's to say.
    """
    takeover = _takeover_of(request)
    accepting = Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options)
    try:
        takeover.begin(accepting, Options())
    except HandshakeError as refusal:
        _answer(request, refused(takeover.request, refusal), last=True)
    except ConnectionResetError:
        pass  # nobody is there any more: no news, and no error of the route's
    else:
        await takeover.wait()


def hosting(app: App, *, options: Options | None = None) -> type[web.RequestHandler]:
    """Return a whole application, such as a Sock class, as a RequestHandler.

    Args:
        app: from a request to an answer.
        options: limits; what an `Upgrade` gives is laid over them.
    """
    application = Hosted(app, options)

    limit = application.options.max_body_size

    @web.stream_request_body
    class Hosting(web.RequestHandler):
        def initialize(self) -> None:
            self._body = bytearray()
            self._size = 0

        def data_received(self, chunk: bytes) -> None:
            self._size += len(chunk)
            if self._size <= limit:
                self._body += chunk
            else:  # Tornado reads it to its end, or to its own limit: nobody keeps it
                self._body.clear()

        async def get(self, *_: Any, **__: Any) -> None:
            takeover = _takeover_of(self)
            upgrading = handshake.asks_to_upgrade(takeover.request)
            if self._size > limit:
                _answer(self, refused(takeover.request, too_large(limit)), last=True)
                return
            takeover.request.body = bytes(self._body)
            answer = await application.ask(takeover.request, takeover.check, upgrading=upgrading)
            if isinstance(answer, Upgrade):
                try:
                    takeover.begin(answer, application.options)
                except HandshakeError as refusal:
                    answer = refused(takeover.request, refusal)
                except HandlerError as error:
                    answer = failed(takeover.request, error)
                    if takeover.carried:  # there is no stream left to answer on
                        return
                except ConnectionResetError:
                    return  # as above
                else:
                    await takeover.wait()
                    return
            _answer(self, answer, last=upgrading)

        head = post = put = patch = delete = options = get

    return Hosting


def _takeover_of(handler: Any) -> Takeover:
    if not isinstance(handler, web.RequestHandler):
        raise TypeError(
            f"upgrade takes the RequestHandler of Tornado's whose `get` it is called in, not a"
            f" {kind_of(handler)}"
        )
    given: Any = handler
    if given._headers_written:  # noqa: SLF001 - nothing else says so
        raise RuntimeError("upgrade comes too late: an answer to this request has begun")
    log.attach()
    reactor = Reactor.of(asyncio.get_running_loop())

    def take(connect: Callable[[Channel], Link]) -> bytes:
        stream: Any = handler.detach()
        if stream.closed():
            raise ConnectionResetError("the peer has gone")
        # What is read already is there at once; else Tornado begins to wait for more.
        reading = stream.read_bytes(_CHUNK, partial=True)
        early = bytes(reading.result()) if reading.done() and not reading.exception() else b""
        if isinstance(stream, iostream.SSLIOStream):
            channel = StreamChannel(reactor, stream, None if reading.done() else reading)
            channel.receiver = connect(channel)
            channel.begin()
            return early
        reading.add_done_callback(_forget)  # ended by the close below
        try:
            own = doubled(stream.socket.fileno())
        finally:
            stream.close()
        reactor.adopt(own, connect)
        return early

    return Takeover(reactor, _request(handler), take)


_CHUNK: Final = 64 * 1024

_NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - Tornado's word for the client behind a Unix socket


def _forget(reading: asyncio.Future[bytes]) -> None:
    if not reading.cancelled():
        reading.exception()


def _request(handler: web.RequestHandler) -> Request:
    asked = handler.request
    connection: Any = asked.connection
    client = address_of(getattr(getattr(connection, "context", None), "address", None))
    if asked.remote_ip != (client[0] if client else _NO_ADDRESS):
        client = (str(asked.remote_ip), 0)  # a proxy's word, which has no port
    sock = getattr(getattr(connection, "stream", None), "socket", None)
    made = Request(
        asked.method or "GET",
        asked.uri or "/",
        [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in asked.headers.get_all()
        ],
        http_version=asked.version.removeprefix("HTTP/"),
        scheme=asked.protocol,
        client=client,
        server=None if sock is None else address_of(sock.getsockname()),
        path_params=dict(handler.path_kwargs),
    )
    made.state["tornado.handler"] = handler
    return made


def _answer(handler: web.RequestHandler, response: Response, *, last: bool) -> None:
    handler.set_status(response.status)
    said: set[str] = set()
    handler.clear_header("Content-Type")  # which Tornado guesses also where there is no content
    for name, value in headers_of(response):
        # The first takes the place of one that Tornado has for all answers.
        put = handler.add_header if name.lower() in said else handler.set_header
        put(name, for_latin_1(value))
        said.add(name.lower())
    if last:
        # What follows a request that asks to upgrade may be frames, and is never read as a request.
        handler.set_header("Connection", "close")
    answering: Any = handler  # what it takes is partially unknown to type checkers
    answering.finish(body_of(response) or None)
