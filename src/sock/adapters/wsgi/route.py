"""`upgrade` in a route, and `wsgi`: a whole application as a WSGI application."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, final

from sock.adapters.hosted_application import HostedApplication
from sock.hosting.asking import failed, refused, response_to, stopping
from sock.hosting.takeover import Takeover
from sock.loop import Reactor
from sock.spec import HandshakeError, Response, Upgrade
from sock.spec.application import lifespan_of
from sock.wire import handshake

from .answering import Answer
from .background import Background
from .environment import body_of, request_of
from .exchange import send, send_nothing, with_headers
from .given_socket import GivenSocket
from .refusal import refuse
from .waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sock.spec import App, Options, Request, Sock
    from sock.spec.upgrade import HeaderPairs

    from .environment import Environ, StartResponse
    from .exchange import Headers


def upgrade(
    environ: Environ,
    handler: Sock[Any, Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
) -> Answer:
    """Accept a WebSocket connection and hand it to a handler, when the server calls the result.

    Call this where the request is answered. It refuses invalid handshakes and pages of other sites
    by itself.

    Args:
        environ: of the request.
        handler: gets the connection.
        options: of this connection.
        subprotocol: the one chosen of those that the peer offered.
        headers: are sent with the 101.

    Returns:
        A WSGI application, which has to be called with the environ and `start_response`, in the
        place of any other answer.

    Raises:
        TypeError: `environ` is no environ.
        RuntimeError: the server does not give its socket away.
        HandlerError: the subprotocol was not offered, or only the host may set one of the headers.
    """
    return Answer(
        environ, Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options)
    )


def wsgi(app: App, *, options: Options | None = None) -> Application:
    """Return a whole application, such as a Sock class, as a WSGI application.

    Its lifespan is entered with the first request of each process, and left behind the drain.

    Args:
        app: a callable from a request to an answer.
        options: are laid over those that the application carries; the options of an `Upgrade` are
            laid over these.

    Raises:
        TypeError: `app` is no application of Sock's.
        ValueError: the options contradict each other.
    """
    return Application(app, options)


@final
class Application:
    """An application of Sock's as a WSGI application. Made by `wsgi`."""

    def __init__(self, app: App, options: Options | None) -> None:
        self._hosted = HostedApplication(app, options)
        self._lifespan = lifespan_of(app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        return self.answer(environ, start_response)

    def answer(
        self,
        environ: Environ,
        start_response: StartResponse,
        *,
        path_params: Mapping[str, Any] | None = None,
        headers: Headers = (),
    ) -> Iterable[bytes]:
        """Answer a request, in a route of a framework.

        Args:
            environ: of the request.
            start_response: the server's.
            path_params: what the framework's router has found in the path.
            headers: of the framework's response, which are sent too.
        """
        try:
            request = request_of(environ, route=False)
        except HandshakeError as refusal:
            return send(response_to(refusal), environ["REQUEST_METHOD"], start_response, last=True)
        request.path_params = path_params or request.path_params
        if handshake.asks_to_upgrade(request):
            return self._answer_upgrade(request, environ, start_response, headers)
        response: Response
        try:
            request.body = body_of(environ, request, self._hosted.options.max_body_size)
            background = self._background()
            response = background.call(lambda: self._respond(background, request))
        except HandshakeError as refusal:
            response = refused(request, refusal)
        except ConnectionResetError:
            response = Response(400)  # for the log of the server
        except Exception as error:  # noqa: BLE001 - the lifespan may raise anything
            response = failed(request, error)
        return send(with_headers(response, headers), request.method, start_response, last=False)

    def _answer_upgrade(
        self,
        request: Request,
        environ: Environ,
        start_response: StartResponse,
        headers: Headers,
    ) -> Iterable[bytes]:
        given = GivenSocket(environ)
        given.correct_addresses(request)
        response: Response | None
        try:
            if given.problem:
                response = failed(request, RuntimeError(given.problem))
            else:
                handshake.check(request)
                response = self._taken_over(request, given, headers)
        except HandshakeError as refusal:
            response = refused(request, refusal)
        except Exception as error:  # noqa: BLE001 - the lifespan may raise anything
            response = failed(request, error)
        if response is None:
            return send_nothing(given, start_response)
        return refuse(with_headers(response, headers), request.method, given, start_response)

    def _background(self) -> Background:
        background = Background.of_process()
        if "drain_timeout" in self._hosted.options.given:
            background.drain_timeout = self._hosted.options.drain_timeout
        return background

    def _taken_over(
        self, request: Request, given: GivenSocket, headers: Headers
    ) -> Response | None:
        """Return the response to a request to upgrade; None if its connection was taken over.

        Raises:
            HandshakeError: the process is about to end.
            Exception: the lifespan could not be entered.
        """
        background = self._background()
        told: Future[Response | None] = Future()
        background.begin(lambda: self._upgrade(background, request, given, told, headers))
        return told.result()

    async def _respond(self, background: Background, request: Request) -> Response:
        request.state.update(await background.enter(self._lifespan))
        answer = await self._hosted.ask(request, lambda: None, upgrading=False)
        assert isinstance(answer, Response), "an upgrade answers only who asks for it"
        return answer

    async def _upgrade(
        self,
        background: Background,
        request: Request,
        given: GivenSocket,
        told: Future[Response | None],
        headers: Headers,
    ) -> None:
        try:
            request.state.update(await background.enter(self._lifespan))
        except BaseException as error:  # noqa: BLE001 - it is raised in the other thread
            told.set_exception(error)
            return
        reactor = Reactor.of(asyncio.get_running_loop())
        waiting = Waiting(reactor, given, told)
        takeover = Takeover(reactor, request, waiting.hand_over)
        try:
            answer = await self._hosted.ask(request, takeover.check_handshake, upgrading=True)
            await waiting.connected()
            if isinstance(answer, Upgrade):
                accepted = answer.replace(headers=(*answer.headers, *headers))
                waiting.answer(takeover.begin_or_respond(accepted, self._hosted.options))
            else:
                waiting.answer(answer)
        except ConnectionResetError:
            waiting.answer(None)
        except asyncio.CancelledError:  # the peer has left, or the process ends
            waiting.fail(stopping())
