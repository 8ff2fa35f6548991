"""Any ASGI server as a host, and any ASGI framework: `sock.asgi(app)`, and `upgrade` in a route.

from sock import asgi

application = asgi(Chat)                      # an ASGI 3 application of its own
WebSocketRoute("/chat", asgi(Chat))           # ... or in Starlette, at this very path
Mount("/chats", asgi(Chat))                   # ... or at "/chats/" and below it

@app.websocket("/rooms/{room}")
async def room(websocket: WebSocket, room: str, user: User = Depends(current_user)) -> None:
    await upgrade(websocket, Chat(room, user))
"""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Any, final

from sock import telemetry
from sock.hosting.lifespan import enter_lifespan
from sock.observe import log
from sock.spec import Application, HandshakeError, Options, Refuse, Response, Upgrade
from sock.spec.application import lifespan_of
from sock.wire import handshake

from . import admission, event, hosted
from .admission import LIMITS as LIMITS
from .admission import REFUSAL as REFUSAL
from .answering import Answering
from .door import door_of, watch_quart
from .hosted import Hosted
from .hosted import drain as drain

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sock.spec import App, Request, Sock
    from sock.spec.application import Lifespan
    from sock.spec.upgrade import HeaderPairs

    from .event import Event, Receive, Scope, Send

__all__ = ["LIMITS", "REFUSAL", "Asgi", "Middleware", "asgi", "drain", "upgrade"]


def asgi(app: App, *, options: Options | None = None, lifespan: Lifespan | None = None) -> Asgi:
    """Return an application as an ASGI 3 application: WebSockets, ordinary answers, lifespan.

    To be served by any ASGI server, or mounted in any ASGI framework; mounted, it sees the rest of
    the path.

    Args:
        app: from a request to an answer; a Sock class is one.
        options: limits, over those that the application carries; those of a handler's class and of
            an `Upgrade` are laid over them.
        lifespan: in place of the one that the application carries: entered at the server's start,
            by ASGI's lifespan protocol, and left at its end, after the drain. Frameworks tell of
            neither to what is mounted in them.

    Raises:
        TypeError: an argument has the wrong type.
    """
    return Asgi(app, options, lifespan)


async def upgrade(
    connection: Any,
    handler: Sock[Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
    release: bool = False,
) -> None:
    """Accept a framework's WebSocket and hand it to a handler, until it has ended.

    Called in a route, before the connection was accepted, where the framework has done its part:
    dependencies, sessions, authentication. Another site's page is refused here.

    Args:
        connection: of Starlette, FastAPI, Litestar or Quart.
        handler: takes over.
        options: limits of this connection.
        subprotocol: the one chosen of those offered.
        headers: sent with the 101.
        release: return at the upgrade, so that the framework gives back what it holds for the
            route, such as a database session. Needs `sock.adapters.uvicorn` as the server's
            protocol, or `Middleware` around the application.

    Raises:
        TypeError: it is no WebSocket of a framework that is known here.
        RuntimeError: it was accepted already, or cannot be released.
        HandlerError: the subprotocol was not offered, or a header is the host's to say.
    """
    log.attach()
    door = door_of(connection)
    base = Options() if options is None else options
    accepting = Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options)
    takeover = admission.takeover_of(door.scope)
    kept: _Kept | None = door.scope.get(admission.KEPT)
    if release and takeover is None and kept is None:
        raise RuntimeError(
            "this server keeps a connection only as long as its route runs: for release=True, run"
            " uvicorn with --ws sock.adapters.uvicorn:SockProtocol, or wrap the application in"
            " sock.adapters.asgi.Middleware"
        )
    if release and takeover is None and not door.lasting:
        raise RuntimeError(
            "this framework keeps a connection only as long as its route runs: for release=True,"
            " run uvicorn with --ws sock.adapters.uvicorn:SockProtocol; or import Quart before"
            " sock.adapters.asgi, and leave its asgi_websocket_class as it is"
        )
    await door.open()
    if takeover is not None:
        takeover.check_unanswered()
    request = event.request_of(door.scope, mounted=False)
    try:
        hosted.check()
        if takeover is not None:
            takeover.check()
        limits = admission.limits_of(request, accepting, base)
    except HandshakeError as refusal:
        if takeover is not None:
            takeover.refusal_reported = True
        await door.deny(request, hosted.refused(request, refusal))
        return
    if takeover is not None:
        takeover.intended, takeover.seen_request = (accepting, base), request
    await door.accept(accepting)
    if takeover is not None:
        if release:
            takeover.check_unanswered()
        else:
            await takeover.wait()
        return
    if release and kept is not None:
        foreign = event.Events(door.scope, door.told or kept.receive, kept.send)
        living = admission.live(foreign, request, accepting, limits)
        kept.living.append(asyncio.get_running_loop().create_task(living))
    else:
        await admission.live(door.foreign, request, accepting, limits)


@final
class Asgi:
    """An application as ASGI 3 has it. Made by `asgi`."""

    def __init__(self, app: App, options: Options | None, lifespan: Lifespan | None = None) -> None:
        self._hosted = Hosted(app, options)
        self._lifespan = lifespan_of(
            app if lifespan is None else Application(app, lifespan=lifespan)
        )
        self._state: dict[str, Any] = {}  # of the lifespan, where the server does not keep it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope.

        Raises:
            ValueError: its type is none that there was when this was written.
        """
        hosted.running_loop()
        match scope["type"]:
            case "websocket":
                await self._connect(scope, receive, send)
            case "http":
                await self._answer(scope, receive, send)
            case "lifespan":
                await self._live(scope, receive, send)
            case other:
                raise ValueError(f"an ASGI scope of the type {other!r}")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._request(scope)
        try:
            # Where a server takes what is no valid handshake for an ordinary request.
            if handshake.asks_to_upgrade(request):
                handshake.check(request)
            body = await event.body_of(request, receive, self._hosted.options.max_body_size)
        except HandshakeError as refusal:
            await event.answer(hosted.refused(request, refusal), scope, send)
            return
        if body is None:
            return
        request.body = body
        answered = await self._hosted.ask(request, hosted.check, upgrading=False)
        assert isinstance(answered, Response), "as nothing else was asked for"
        await event.answer(answered, scope, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        request = self._request(scope)
        takeover = admission.takeover_of(scope)
        if takeover is not None:
            takeover.check_unanswered()
        check = hosted.check if takeover is None else takeover.check
        answered = await self._hosted.ask(request, check, upgrading=True)
        if isinstance(answered, Upgrade):
            base = self._hosted.options
            limits = admission.agreed(request, answered, base)
            if isinstance(limits, Options):
                if takeover is not None:
                    takeover.intended, takeover.seen_request = (answered, base), request
                await event.accept(answered, send)
                if takeover is not None:
                    await takeover.wait()
                    return
                connection = event.Events(scope, receive, send)
                await admission.live(connection, request, answered, limits)
                return
            answered = limits
        if takeover is not None:
            takeover.refusal_reported = True
        await admission.deny(scope, request, answered, send)

    def _request(self, scope: Scope) -> Request:
        request = event.request_of(scope, mounted=True)
        if self._state:
            request.state.update(self._state)
        return request

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the server's times: enter the lifespan; drain, and leave it, before it cuts.

        the server says     what is done                       and answered
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
                await drain(self._hosted.options.drain_timeout)
        except Exception:  # noqa: BLE001 - it is the user's code: the server shows what it has raised
            await send({"type": f"lifespan.{phase}.failed", "message": traceback.format_exc()})
        else:
            await send({"type": "lifespan.shutdown.complete"})
        finally:
            self._state = {}


@final
class Middleware:
    """Around an ASGI application with Socks in it: drains, answers `Refuse`, releases routes.

    For a framework whose routes call `upgrade`:

        app.add_middleware(Middleware)               # Starlette, FastAPI
        application = Middleware(app)                # any, as what the server is given

    At the end of the lifespan the Socks finish what is under way and say 1012. A `Refuse` in a
    route, in a dependency, or in a Sock's constructor there, is answered with its response, where
    it would be an internal error. And `upgrade` may release its route on any server.

    Args:
        app: any ASGI 3 application.
        drain_timeout: seconds that the Socks have when the server stops; None for ever.
    """

    def __init__(self, app: Any, drain_timeout: float | None = 30.0) -> None:
        watch_quart()
        self._app = app
        self._drain_timeout = drain_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] == "lifespan":

            async def drained() -> Any:
                told = await receive()
                if told["type"] == "lifespan.shutdown":
                    await drain(self._drain_timeout)
                return told

            await self._app(scope, drained, send)
        elif scope["type"] == "websocket":
            await self._keep(scope, _Kept(scope, receive, send))
        elif scope["type"] == "http":
            answering = Answering(scope, send)
            try:
                await self._app(scope, receive, answering.said)
            except Refuse as refusal:
                await answering.raised(refusal)
        else:
            await self._app(scope, receive, send)

    async def _keep(self, scope: Scope, kept: _Kept) -> None:
        try:
            try:
                await self._app({**scope, admission.KEPT: kept}, kept.receive, kept.said)
            except Exception as error:
                if isinstance(error, Refuse) and not kept.living:
                    await kept.answering.raised(error)
                    return
                if not kept.living:
                    raise
                # Such as a dependency that is given back: no fault of the connection's.
                request = event.request_of(scope, mounted=False)
                place = "the route behind upgrade"
                telemetry.emit("callback.failed", request=request, error=error, place=place)
            for living in kept.living:
                await asyncio.shield(living)
        except asyncio.CancelledError:
            for living in kept.living:
                living.cancel()
            await asyncio.wait(kept.living) if kept.living else None
            raise


@final
class _Kept:
    """The server's side of a connection that may outlive its route, and what lives on there."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.receive = receive
        self.send = send
        self.answering = Answering(scope, send)
        self.living: list[asyncio.Task[None]] = []

    def said(self, said: Event) -> Awaitable[None]:
        """Send what the framework says, but for the close when its route has failed behind it."""
        if self.living and said["type"] == "websocket.close":
            return asyncio.sleep(0)
        return self.answering.said(said)
