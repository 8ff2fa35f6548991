"""Django as a host: WebSockets beside its HTTP application, behind its sessions and users.

    # asgi.py of the project
    http = get_asgi_application()
    application = with_sockets(http, [path("rooms/<slug:room>/", room)])

    async def room(request: HttpRequest, room: str) -> Answer:
        if not request.user.is_authenticated:
            raise Refuse(401)
        return Chat(room, request.user)

A view is given Django's request, with its session and its user loaded, and answers as any
application of Sock's does. Over which server, and so what of the contract holds, is ASGI's affair:
see `sock.adapters.asgi` and `sock.adapters.uvicorn`.

Connections to the database are not held by open sockets: what the ORM opens for a handler is given
back a moment later, by Django's own rules (CONN_MAX_AGE).
"""

# Django ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
import contextvars
import inspect
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import urlsplit

from sock.spec import HandshakeError, Options, Request, Response

try:
    from asgiref.sync import sync_to_async
    from django import conf
    from django.core.exceptions import DisallowedHost
    from django.core.handlers.asgi import ASGIRequest
    from django.db import close_old_connections, connections
    from django.db.backends.signals import connection_created
    from django.http.request import validate_host
    from django.urls import Resolver404, URLResolver
    from django.urls.resolvers import RegexPattern
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("Django is not installed: pip install 'sockpy[django]'") from error

from . import asgi
from .asgi import LIMITS as LIMITS
from .hosted import drain as drain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .event import Receive, Scope, Send

__all__ = ["LIMITS", "drain", "with_sockets"]

_LOCAL: Final = (".localhost", "127.0.0.1", "[::1]")
"""What Django allows when DEBUG is on and ALLOWED_HOSTS is empty."""

_LINGER: Final = 1.0
"""Seconds after which a connection to the database is looked at again."""


def with_sockets(http: Any, patterns: Sequence[Any], *, options: Options | None = None) -> Sockets:
    """Return an ASGI application that serves WebSockets by these patterns, and all else by `http`.

    Args:
        http: Django's own, from `get_asgi_application()`.
        patterns: of `path` and `re_path`; their views return an `Answer`, or raise `Refuse`.
        options: limits; what an `Upgrade` gives is laid over them. The pages of ALLOWED_HOSTS and
            of CSRF_TRUSTED_ORIGINS are let in.
    """
    return Sockets(http, patterns, Options() if options is None else options)


@final
class Sockets:
    """Django's HTTP application, and WebSockets beside it. Made by `with_sockets`."""

    def __init__(self, http: Any, patterns: Sequence[Any], options: Options) -> None:
        self._http = http
        self._resolver = URLResolver(RegexPattern(r"^/"), list(patterns))
        self._options = options
        self._sockets = asgi.asgi(self._asked, options=options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] in {"websocket", "lifespan"}:  # Django's own knows no lifespan
            _Database.of_this_loop()
            await self._sockets(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _asked(self, request: Request) -> Any:
        asked = _request(request)
        try:
            host = asked.get_host()
        except DisallowedHost as error:
            raise HandshakeError(400, "the Host is none of ALLOWED_HOSTS") from error
        origins = _check_origin(request, host, self._options)
        try:
            match = self._resolver.resolve(asked.path_info)
        except Resolver404:
            return Response(404, "nothing here\n")
        asked.resolver_match = match
        await _load(asked)
        view: Any = match.func
        if inspect.iscoroutinefunction(view):
            answered = await view(asked, *match.args, **match.kwargs)
        else:
            answered = await sync_to_async(view)(asked, *match.args, **match.kwargs)
        await sync_to_async(close_old_connections)()
        return _let_in(answered, origins)


def _request(request: Request) -> Any:
    """Return Django's request, as it would have come over HTTP."""
    scope: Any = {**request.state["asgi.scope"], "type": "http", "method": "GET"}
    scope["scheme"] = request.scheme
    scope.setdefault("root_path", "")
    made: Any = ASGIRequest(scope, BytesIO())
    made.sock = request
    return made


async def _load(request: Any) -> None:
    """Load session and user, once, as the middleware of HTTP would when they are asked for."""
    middleware: Any = conf.settings.MIDDLEWARE
    if "django.contrib.sessions.middleware.SessionMiddleware" not in middleware:
        return
    from importlib import import_module

    engine = import_module(conf.settings.SESSION_ENGINE)
    request.session = engine.SessionStore(request.COOKIES.get(conf.settings.SESSION_COOKIE_NAME))
    await request.session.aget("_sock_loads_it")
    if "django.contrib.auth.middleware.AuthenticationMiddleware" not in middleware:
        return
    from django.contrib.auth import aget_user

    user = await aget_user(request)
    request.user = user

    async def auser() -> Any:
        return user

    request.auser = auser


def _check_origin(request: Request, host: str, options: Options) -> tuple[str, ...]:
    """Return what origins are let in beside the host's own: the page's, if it is one of ours.

    Raises:
        HandshakeError: another site's page asks.
    """
    origin = request.headers.get("origin")
    if origin is None or "*" in options.origins or origin in options.origins:
        return options.origins
    name = urlsplit(origin).hostname or ""
    allowed = conf.settings.ALLOWED_HOSTS or (_LOCAL if conf.settings.DEBUG else ())
    allowed = [one for one in allowed if one != "*"]  # which says nothing about pages
    if (
        name == (urlsplit(f"//{host}").hostname or "")
        or origin in conf.settings.CSRF_TRUSTED_ORIGINS
        or (name and validate_host(name, allowed))
    ):
        return (*options.origins, origin)
    raise HandshakeError(403, f"the origin {origin!r} is not let in (RFC 6455 §10.2)")


def _let_in(answered: Any, origins: tuple[str, ...]) -> Any:
    """Return the answer with the page's origin among those that it lets in."""
    from sock.spec import Sock, Upgrade

    if isinstance(answered, Sock):
        return Upgrade(answered, options=Options(origins=origins))
    if isinstance(answered, Upgrade):
        given = Options() if answered.options is None else answered.options
        if "origins" in given.given:
            return answered
        return Upgrade(
            answered.handler,
            subprotocol=answered.subprotocol,
            headers=answered.headers,
            options=given.over(Options(origins=origins)),
        )
    return answered


@final
class _Database:
    """Gives back the connections to the database that were opened for handlers of one loop.

    Django closes what is old at the ends of its requests. A socket has no such end for hours: so,
    while any connection is open in the thread of the ORM, it is looked at every second.
    """

    _of: Final[dict[asyncio.AbstractEventLoop, _Database]] = {}

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        connection_created.connect(self._opened, weak=False)

    @classmethod
    def of_this_loop(cls) -> None:
        """Look after the connections of the running loop from now on."""
        loop = asyncio.get_running_loop()
        if loop not in cls._of:
            for other in [one for one in cls._of if one.is_closed()]:
                cls._of.pop(other).forget()
            cls._of[loop] = cls(loop)

    def forget(self) -> None:
        """Look after them no more."""
        connection_created.disconnect(self._opened)

    def _opened(self, **_: Any) -> None:
        """Note that a connection was opened, in whatever thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look_after)

    def _look_after(self) -> None:
        if self._task is None:
            # In a context of its own: asgiref would take that of whoever has opened it for a call
            # from within the thread that it is about to use.
            self._task = self._loop.create_task(self._close(), context=contextvars.Context())

    async def _close(self) -> None:
        try:
            left = True
            while left:
                await asyncio.sleep(_LINGER)
                left = await sync_to_async(_close_old)()
        finally:
            self._task = None


def _close_old() -> bool:
    """Close what is old by Django's rules; tell whether any is left open in this thread."""
    close_old_connections()
    return any(one.connection is not None for one in connections.all(initialized_only=True))
