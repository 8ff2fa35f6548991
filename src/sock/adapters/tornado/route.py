"""`upgrade` in a request handler, and `hosting`: a whole application as a request handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado import web

from sock.adapters import body
from sock.adapters.hosted_application import HostedApplication
from sock.hosting.asking import refused
from sock.spec import HandshakeError, Options, Upgrade
from sock.wire import handshake

from .detaching import takeover_of
from .exchange import send_response
from .single_use import close_after_response

if TYPE_CHECKING:
    from sock.spec import App, Sock
    from sock.spec.upgrade import HeaderPairs


async def upgrade(
    request: web.RequestHandler,
    handler: Sock[Any, Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
) -> None:
    """Accept a WebSocket connection, hand it to a handler, and wait until it has ended.

    Call this in `get`. It refuses invalid handshakes and pages of other sites by itself.

    Args:
        request: Tornado's RequestHandler.
        handler: gets the connection.
        options: of this connection.
        subprotocol: the one chosen of those that the peer offered.
        headers: are sent with the 101.

    Raises:
        TypeError: `request` is no RequestHandler.
        RuntimeError: it has begun its response.
        HandlerError: the subprotocol was not offered, or only the host may set one of the headers.
    """
    takeover = takeover_of(request)
    accepting = Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options)
    try:
        takeover.begin(accepting, Options())
    except HandshakeError as refusal:
        send_response(request, refused(takeover.request, refusal))
    except ConnectionResetError:
        pass  # the peer has left, which is no error of the route
    else:
        await takeover.wait()


def hosting(app: App, *, options: Options | None = None) -> type[web.RequestHandler]:
    """Return a whole application, such as a Sock class, as a RequestHandler.

    Args:
        app: a callable from a request to an answer.
        options: the options of an `Upgrade` are laid over these.
    """
    application = HostedApplication(app, options)

    limit = application.options.max_body_size

    @web.stream_request_body
    class Hosting(web.RequestHandler):
        def initialize(self) -> None:
            self._body = bytearray()
            self._size = 0

        def prepare(self) -> None:  # before every response, also before a 405 of Tornado's
            close_after_response(self.request)

        def data_received(self, chunk: bytes) -> None:
            self._size += len(chunk)
            if self._size <= limit:
                self._body += chunk
            else:  # Tornado reads the body to its end, or to its own limit, but it is not kept
                self._body.clear()

        async def get(self, *_: Any, **__: Any) -> None:
            takeover = takeover_of(self)
            upgrading = handshake.asks_to_upgrade(takeover.request)
            if self._size > limit:
                send_response(self, refused(takeover.request, body.too_large(limit)))
                return
            takeover.request.body = bytes(self._body)
            answer = await application.ask(
                takeover.request, takeover.check_handshake, upgrading=upgrading
            )
            if isinstance(answer, Upgrade):
                try:
                    response = takeover.begin_or_respond(answer, application.options)
                except ConnectionResetError:
                    return  # the peer has left
                if response is None:
                    await takeover.wait()
                    return
                answer = response
            send_response(self, answer)

        head = post = put = patch = delete = options = get

    return Hosting
