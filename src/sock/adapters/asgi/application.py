"""A whole application of Sock's as an ASGI 3 application."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, final

from sock.adapters import hosted_application
from sock.adapters.hosted_application import HostedApplication
from sock.hosting import asking
from sock.spec import Application, HandshakeError, Options, Response, Upgrade
from sock.spec.application import lifespan_of
from sock.spec.lifespan import enter_lifespan
from sock.wire import handshake

from . import admission, event
from .extension import takeover_of

if TYPE_CHECKING:
    from sock.spec import App, Request
    from sock.spec.application import Lifespan

    from .event import Receive, Scope, Send


def asgi(app: App, *, options: Options | None = None, lifespan: Lifespan | None = None) -> Asgi:
    """Return an application as an ASGI 3 application: WebSockets, ordinary requests, lifespan.

    Any ASGI server can serve it, and any ASGI framework can mount it. A mounted application sees
    the rest of the path.

    Args:
        app: a callable from a request to an answer, such as a Sock class.
        options: are laid over those that the application carries; the options of a handler's class
            and of an `Upgrade` are laid over these.
        lifespan: takes the place of the one that the application carries. It is entered when the
            server starts, by ASGI's lifespan protocol, and left when the server stops, after the
            drain. Frameworks tell the applications that they mount of neither.

    Raises:
        TypeError: an argument has the wrong type.
    """
    return Asgi(app, options, lifespan)


@final
class Asgi:
    """An application in the form of ASGI 3. Made by `asgi`."""

    def __init__(self, app: App, options: Options | None, lifespan: Lifespan | None = None) -> None:
        self._application = HostedApplication(app, options)
        self._lifespan = lifespan_of(
            app if lifespan is None else Application(app, lifespan=lifespan)
        )
        self._state: dict[str, Any] = {}  # the lifespan's, where the server does not keep it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope.

        Raises:
            ValueError: the scope has a type that ASGI 3 does not have.
        """
        hosted_application.running_loop()
        match scope["type"]:
            case "websocket":
                await self._connect(scope, receive, send)
            case "http":
                await self._respond(scope, receive, send)
            case "lifespan":
                await self._run_lifespan(scope, receive, send)
            case other:
                raise ValueError(f"an ASGI scope of the type {other!r}")

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._request(scope)
        try:
            # A server may take an invalid handshake for an ordinary request.
            if handshake.asks_to_upgrade(request):
                handshake.check(request)
            body = await event.body_of(request, receive, self._application.options.max_body_size)
        except HandshakeError as refusal:
            await event.send_response(asking.refused(request, refusal), scope, send)
            return
        if body is None:
            return
        request.body = body
        answer = await self._application.ask(
            request, hosted_application.check_not_draining, upgrading=False
        )
        assert isinstance(answer, Response), "an ordinary request has no other answer"
        await event.send_response(answer, scope, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        request = self._request(scope)
        takeover = takeover_of(scope)
        if takeover is not None:
            takeover.check_unanswered()
        check = (
            hosted_application.check_not_draining if takeover is None else takeover.check_handshake
        )
        answer = await self._application.ask(request, check, upgrading=True)
        if isinstance(answer, Upgrade):
            base = self._application.options
            accepted = asking.accept_or_respond(request, "", answer, base)
            if not isinstance(accepted, Response):
                if takeover is not None:
                    takeover.begin_arguments, takeover.seen_request = (answer, base), request
                await event.send_acceptance(answer, send)
                if takeover is not None:
                    await takeover.wait()
                    return
                wire = event.AsgiWire(scope, receive, send)
                await admission.run_bridge(wire, request, answer, accepted[1])
                return
            answer = accepted
        if takeover is not None:
            takeover.refusal_reported = True
        await admission.deny(scope, request, answer, send)

    def _request(self, scope: Scope) -> Request:
        request = event.request_of(scope, mounted=True)
        if self._state:
            request.state.update(self._state)
        return request

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Enter the lifespan when the server starts; drain and leave it before the server cuts.

        the server sends    what is done                       what is sent
        ------------------  ---------------------------------  -------------------------
        lifespan.startup    the lifespan is entered            lifespan.startup.complete
                            … and raises                       lifespan.startup.failed
        lifespan.shutdown   the drain, the lifespan is left    lifespan.shutdown.complete
                            … and raises                       lifespan.shutdown.failed
        """
        phase = "startup"
        try:
            await receive()  # lifespan.startup
            async with enter_lifespan(self._lifespan) as state:
                if isinstance(scope.get("state"), dict):
                    scope["state"].update(state)
                else:
                    self._state = state
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()  # lifespan.shutdown
                options = self._application.options
                await hosted_application.drain(options.drain_timeout, options)
        except Exception:  # noqa: BLE001 - the user's code may raise anything: the server shows it
            await send({"type": f"lifespan.{phase}.failed", "message": traceback.format_exc()})
        else:
            await send({"type": "lifespan.shutdown.complete"})
        finally:
            self._state = {}
