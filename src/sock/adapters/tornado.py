"""Tornado as a host, at native speed: its stream is detached in a request handler.

    class Room(RefuseMixin, RequestHandler):
        async def get(self, room: str) -> None:
            await upgrade(self, Chat(room))          # Chat may raise Refuse

    application = setup(Application([(r"/rooms/(.+)", Room), (r"/echo", hosting(Echo))]))

Before the server stops, `await drain()` says 1012 to all. All of the contract holds, over TLS and
on loops without epoll too.

    the descriptor of the connection   how it goes on
    ---------------------------------  -----------------------------------------------------------
    can be doubled, plain TCP          in our reactor; Tornado's stream is closed, which closes its
                                       own descriptor only
    none is left; TLS; Tornado has     over Tornado's stream (`stream`)
    bytes yet to send
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, final

from sock.hosting.takeover import Takeover, duplicate_socket
from sock.loop import Reactor, adopt
from sock.observe import log
from sock.spec import HandlerError, HandshakeError, Options, Refuse, Request, Upgrade
from sock.wire import handshake

try:
    from tornado import http1connection, iostream, web
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("Tornado is not installed: pip install 'sockpy[tornado]'") from error

from .hosted import (
    Hosted,
    address_of,
    body_of,
    for_latin_1,
    headers_of,
    kind_of,
    refused,
    too_large,
)
from .hosted import drain as drain
from .stream import StreamPipe

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import TracebackType

    from tornado.httputil import (
        HTTPHeaders,
        HTTPServerRequest,
        RequestStartLine,
        ResponseStartLine,
    )

    from sock.hosting.limit import Limit
    from sock.live import Link
    from sock.loop import Pipe
    from sock.spec import App, Response, Sock
    from sock.spec.upgrade import HeaderPairs

__all__ = ["LIMITS", "RefuseMixin", "drain", "hosting", "setup", "upgrade"]

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
        _answer(request, refused(takeover.request, refusal))
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

        def prepare(self) -> None:  # so whatever answers, a 405 too
            _answer_once(self.request)

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
                _answer(self, refused(takeover.request, too_large(limit)))
                return
            takeover.request.body = bytes(self._body)
            answer = await application.ask(takeover.request, takeover.check, upgrading=upgrading)
            if isinstance(answer, Upgrade):
                try:
                    response = takeover.begin_or_respond(answer, application.options)
                except ConnectionResetError:
                    return  # as above
                if response is None:
                    await takeover.wait()
                    return
                answer = response
            _answer(self, answer)

        head = post = put = patch = delete = options = get

    return Hosting


def setup(application: web.Application) -> web.Application:
    """Let a Tornado application close each connection that asked to upgrade and was refused.

    Tornado reads whatever follows as another request, although it may be frames. What `upgrade` and
    `hosting` answer closes the connection without this; what any other handler of the application
    answers, such as a 401 before `upgrade` or a 404, needs it.

    Args:
        application: which serves Socks.

    Returns:
        The same application.

    RFC 9112 §9.6.
    """
    application.add_transform(_Watching)
    return application


class RefuseMixin(web.RequestHandler):
    """Lets a RequestHandler raise `Refuse` before the handshake is answered.

        class Room(RefuseMixin, RequestHandler):
            async def get(self, room: str) -> None:
                await upgrade(self, Chat(room))       # whose constructor may raise it too

    It is answered with its response, and no error is logged. Without this class it is an exception
    like others, which Tornado answers with 500.
    """

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an exception as Tornado does, unless it is a `Refuse` that will be the answer."""
        if not (isinstance(value, Refuse) and _unanswered(self)):
            super().log_exception(typ, value, tb)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Send an error as Tornado does; for a `Refuse` its response."""
        refusal = kwargs.get("exc_info", (None, None))[1]
        if isinstance(refusal, Refuse) and _unanswered(self):
            self.clear()
            _answer(self, refused(_request(self), refusal))
        else:
            super().send_error(status_code, **kwargs)


@final
class _Watching(web.OutputTransform):
    """Looks at each request of an application before its handler runs; changes no answer."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        _answer_once(request)


@final
class _AnsweredOnce(http1connection.HTTP1Connection):
    """A connection of Tornado's that is closed behind its answer, unless that is a 101.

    `Connection: close` on an answer does not close it: Tornado obeys the one of the request only.
    And from a stream that is closed Tornado reads what has come, as a request.
    """

    _disconnect_on_finish: bool

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Begin the answer."""
        if getattr(start_line, "code", None) != 101:
            self._disconnect_on_finish = True
        return super().write_headers(start_line, headers, chunk)

    def close(self) -> None:
        """Close the stream behind the answer."""
        stream: Any = self.stream
        super().close()
        if stream is not None:
            with contextlib.suppress(iostream.StreamClosedError):  # nothing has come
                stream.read_bytes(stream.max_buffer_size, partial=True)


def _answer_once(request: HTTPServerRequest) -> None:
    """Let nothing behind a request that asks to upgrade be read as another request.

    It may be frames, and is never a request, whatever is answered. RFC 9110 §7.8.
    """
    tokens = ",".join(request.headers.get_list("Upgrade")).split(",")
    connection: Any = request.connection
    if "websocket" in [token.strip().lower() for token in tokens] and isinstance(
        connection, http1connection.HTTP1Connection
    ):
        connection.__class__ = _AnsweredOnce


def _unanswered(handler: web.RequestHandler) -> bool:
    given: Any = handler
    return not (given._headers_written or given._finished)  # noqa: SLF001 - nothing else says so


def _takeover_of(handler: Any) -> Takeover:
    if not isinstance(handler, web.RequestHandler):
        raise TypeError(
            f"upgrade takes the RequestHandler of Tornado's whose `get` it is called in, not a"
            f" {kind_of(handler)}"
        )
    _answer_once(handler.request)
    if not _unanswered(handler):
        raise RuntimeError("upgrade comes too late: an answer to this request has begun")
    log.attach()
    reactor = Reactor.of(asyncio.get_running_loop())

    def take(connect: Callable[[Pipe], Link]) -> bytes:
        stream: Any = handler.detach()
        if stream.closed():
            raise ConnectionResetError("the peer has gone")
        # First: Tornado closes its own when it finds in the next line that the peer has gone.
        own = _doubled(stream)
        # What is read already is there at once; else Tornado begins to wait for more.
        reading = stream.read_bytes(_CHUNK, partial=True)
        early = bytes(reading.result()) if reading.done() and not reading.exception() else b""
        if stream.closed() and (own is None or not early or stream.error is not None):
            if own is not None:
                own.close()
            raise ConnectionResetError("the peer has gone")
        if own is not None:
            with contextlib.suppress(OSError):  # no descriptor is left for the reactor's own
                adopt(reactor, own, connect)
                reading.add_done_callback(_forget)  # ended by the close
                stream.close()
                return early
        pipe = StreamPipe(reactor, stream, None if reading.done() else reading)
        pipe.receiver = connect(pipe)
        pipe.begin()
        return early

    return Takeover(reactor, _request(handler), take)


_CHUNK: Final = 64 * 1024

_NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - Tornado's word for the client behind a Unix socket


def _doubled(stream: Any) -> socket.socket | None:
    """Return the connection under a descriptor of our own; None where it must stay the stream's."""
    if isinstance(stream, iostream.SSLIOStream) or stream.writing():
        return None
    try:
        return duplicate_socket(stream.socket.fileno())
    except HandlerError:  # no descriptor is left
        return None


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


def _answer(handler: web.RequestHandler, response: Response) -> None:
    handler.set_status(response.status)
    said: set[str] = set()
    handler.clear_header("Content-Type")  # which Tornado guesses also where there is no content
    for name, value in headers_of(response):
        # The first takes the place of one that Tornado has for all answers.
        put = handler.add_header if name.lower() in said else handler.set_header
        put(name, for_latin_1(value))
        said.add(name.lower())
    _answer_once(handler.request)
    answering: Any = handler  # what it takes is partially unknown to type checkers
    answering.finish(body_of(response) or None)
