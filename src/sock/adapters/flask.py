"""Flask as a host: `upgrade` in a route, on gunicorn's sync and gthread workers and on werkzeug.

    app = setup(Flask(__name__))

    @app.route("/rooms/<room>", websocket=True)
    def room(room: str) -> Response:
        if "user" not in session:
            abort(401)
        return upgrade(Chat(room, session["user"]))

The route ends at once, and its worker is free: one event loop of the process serves all connections
in a thread of its own. Callbacks see `g`, `current_app`, `session` and `request` as the route left
them. All of the contract holds.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, final

from sock.hosting.asking import refused
from sock.hosting.content import content_of, headers_of
from sock.spec import HandshakeError, Options, Refuse, Upgrade
from sock.wire import handshake

try:
    import flask
    from werkzeug.routing.exceptions import WebsocketMismatch
except ImportError as error:  # pragma: no cover - tested in a subprocess
    raise ImportError("Flask is not installed: pip install 'sockpy[flask]'") from error

from .wsgi.answering import Answer
from .wsgi.background import Background
from .wsgi.background import call as call
from .wsgi.environment import request_of
from .wsgi.exchange import headers_for_peer
from .wsgi.exchange import setup as close_refused
from .wsgi.limits import HOST as HOST
from .wsgi.limits import LIMITS as LIMITS
from .wsgi.route import Application
from .wsgi.route import wsgi as wsgi
from .wsgi.sigterm import drain_at_sigterm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sock.spec import App, Sock
    from sock.spec.upgrade import HeaderPairs

    from .wsgi.environment import Environ, StartResponse

__all__ = ["HOST", "LIMITS", "call", "handler", "setup", "upgrade", "wsgi"]


def upgrade(
    handler: Sock[Any, Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
) -> flask.Response:
    """Accept a WebSocket connection and hand it to a handler, when Flask has done its part.

    Call this in a route that was made with `websocket=True`. It refuses invalid handshakes and
    pages of other sites by itself. What `after_request` functions put on the response, such as a
    header, or the cookie of the session, is on the 101.

    Args:
        handler: gets the connection.
        options: of this connection.
        subprotocol: the one chosen of those that the peer offered.
        headers: are sent with the 101.

    Returns:
        The response that the route must return.

    Raises:
        RuntimeError: the server does not give its socket away, or this is no request of Flask's.
        HandlerError: the subprotocol was not offered, or only the host may set one of the headers.
    """
    _debug()
    return _Upgrading(
        Answer(
            flask.request.environ,
            Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options),
            path_params=flask.request.view_args,
        )
    )


def handler(app: App, *, options: Options | None = None) -> Callable[..., flask.Response]:
    """Return a whole application, such as a Sock class, as a view function.

    Its lifespan is entered with the first request of each process, and left behind the drain.

    Args:
        app: a callable from a request to an answer.
        options: the options of an `Upgrade` are laid over these.

    Raises:
        TypeError: `app` is no application of Sock's.
        ValueError: the options contradict each other.
    """
    application = wsgi(app, options=options)

    def view(**_: Any) -> flask.Response:
        _debug()
        return _Delegating(application, flask.request.view_args)

    return view


def setup(app: flask.Flask) -> flask.Flask:
    """Let a Flask application host Socks.

    Its routes, and the constructor of a Sock there, may raise `Refuse`, whose response is sent. A
    request that fits a route but for `websocket=True` is told so. And a connection whose request to
    upgrade was refused takes no other request, also where a route refused it without Sock. Under
    `flask run` a SIGTERM says 1012 to the connections before it ends the process.

    Args:
        app: an application that has served no request.

    Returns:
        The same application.

    RFC 9110 §7.8.
    """
    app.register_error_handler(Refuse, _respond_to_refusal)
    app.register_error_handler(WebsocketMismatch, _respond_to_mismatch)
    flask_app: Any = app  # Flask's documentation wraps this attribute so, but it is a method
    flask_app.wsgi_app = close_refused(flask_app.wsgi_app)
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":  # of `flask run`
        drain_at_sigterm()
    return app


@final
class _Upgrading(flask.Response):
    """A response whose connection is taken over when the server gets it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(status=101 if answer.refusal is None else answer.refusal.status)
        self._answer = answer

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:  # noqa: ARG002 - WSGI's
        """Take the connection over, with the headers that this response has got."""
        return self._answer.carry_out(start_response, headers_for_peer(self.headers.items()))


@final
class _Delegating(flask.Response):
    """A response that an application of Sock's makes when the server gets it."""

    def __init__(self, application: Application, path_params: dict[str, Any] | None) -> None:
        super().__init__()
        self._application = application
        self._path_params = path_params

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Let the application answer, with the headers that this response has got."""
        return self._application.answer(
            environ,
            start_response,
            path_params=self._path_params,
            headers=headers_for_peer(self.headers.items()),
        )


def _respond_to_refusal(refusal: Refuse) -> flask.Response:
    return _response(refusal)


def _respond_to_mismatch(_: WebsocketMismatch) -> flask.Response:
    if handshake.asks_to_upgrade(request_of(flask.request.environ, route=True)):
        return _response(
            HandshakeError(
                400,
                "the route of this path takes no WebSockets: it was made without websocket=True",
            )
        )
    return _response(HandshakeError(426, "this address speaks WebSocket only (RFC 6455 §4.2.1)"))


def _response(refusal: Refuse | HandshakeError) -> flask.Response:
    response = refused(request_of(flask.request.environ, route=True), refusal)
    made = flask.Response(content_of(response), response.status)
    del made.headers["Content-Type"]  # Flask sets it even where there is no content
    for name, value in headers_of(response):
        made.headers.add(name, value)
    return made


def _debug() -> None:
    """Name the callbacks that block the event loop, if the application is being debugged."""
    if flask.current_app.debug:
        Background.of_process().loop.set_debug(True)
