"""Django as a host: WebSockets beside its HTTP application, behind its sessions and users.

    # asgi.py of the project
    http = get_asgi_application()
    application = with_sockets(http, [path("rooms/<slug:room>/", room)])

    async def room(request: SocketRequest, room: str) -> Answer:
        if not request.user.is_authenticated:
            raise Refuse(401)
        return Chat(room, request.user)

A view is given Django's request, with its session and its user loaded, and answers as any
application of Sock's does. Over which server, and so what of the contract holds, is ASGI's affair:
see `sock.adapters.asgi` and `sock.adapters.uvicorn`.

The ORM runs in a few threads. A callback keeps the one that it was given, and so its connection,
until it has ended; connections are given back a moment later, by Django's own rules (CONN_MAX_AGE).
"""

# Django ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
import contextvars
import inspect
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import urlsplit

from sock.hosting.options import options_of_host
from sock.spec import HandshakeError, Options, Refuse, Request, Response, Sock, Upgrade
from sock.spec.origin import is_listed, parse_origin
from sock.wire import handshake

try:
    from asgiref.sync import AsyncToSync, iscoroutinefunction, sync_to_async
    from django import conf
    from django.apps import apps
    from django.core.exceptions import (
        BadRequest,
        DisallowedHost,
        PermissionDenied,
        SuspiciousOperation,
    )
    from django.core.handlers.asgi import ASGIRequest
    from django.db import close_old_connections, connections
    from django.http import Http404, HttpResponse
    from django.http.request import validate_host
    from django.urls import Resolver404, URLResolver
    from django.urls import path as django_path
    from django.urls import re_path as django_re_path
    from django.urls.resolvers import RegexPattern
    from django.utils.http import is_same_domain
    from django.utils.module_loading import import_string
except ImportError as error:  # pragma: no cover - told by a subprocess
    raise ImportError("Django is not installed: pip install 'sockpy[django]'") from error

from . import asgi
from .asgi import LIMITS as LIMITS
from .hosted import drain as drain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sock.spec.application import Lifespan

    from .event import Receive, Scope, Send

__all__ = ["LIMITS", "SocketRequest", "drain", "path", "re_path", "with_sockets"]

_LOCAL: Final = (".localhost", "127.0.0.1", "[::1]")
"""What Django allows when DEBUG is on and ALLOWED_HOSTS is empty."""

_LINGER: Final = 1.0
"""Seconds after which a connection to the database is looked at again."""

_THREADS: Final = 8
"""For the ORM, and so connections to each database: a database has 100 or so for all processes."""


def path(
    route: str,
    view: Callable[..., object],
    kwargs: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Any:
    """Return Django's `path`, of a view that answers as Socks do, or of a Sock class.

    Django's own works as well. With django-stubs it takes views of HTTP only.

    Args:
        route: such as "rooms/<slug:room>/".
        view: given a `SocketRequest`, or a `Request` where it is a Sock class; and what is in the
            path.
        kwargs: given to the view besides.
        name: for `reverse`.
    """
    made: Any = django_path
    return made(route, view, kwargs, name)


def re_path(
    route: str,
    view: Callable[..., object],
    kwargs: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Any:
    """Return Django's `re_path`, as `path` does.

    Args:
        route: a regular expression.
        view: as for `path`.
        kwargs: given to the view besides.
        name: for `reverse`.
    """
    made: Any = django_re_path
    return made(route, view, kwargs, name)


class SocketRequest(ASGIRequest):  # type: ignore[misc]  # Any, without django-stubs
    """Django's request, as a view of a socket is given it."""

    sock: Request
    """Sock's own."""


def with_sockets(
    http: Any,
    patterns: Sequence[Any],
    *,
    options: Options | None = None,
    lifespan: Lifespan | None = None,
) -> Sockets:
    """Return an ASGI application that serves WebSockets by these patterns, and all else by `http`.

    Args:
        http: Django's own, from `get_asgi_application()`.
        patterns: of `path` and `re_path`, ours or Django's; their views return an `Answer`, or
            raise `Refuse`; a Sock class may stand in place of a view.
        options: limits; what an `Upgrade` gives is laid over them. The pages of ALLOWED_HOSTS and
            of CSRF_TRUSTED_ORIGINS are let in, and those of the options of a Sock class.
        lifespan: entered at the server's start, left at its end; see `sock.asgi`.
    """
    return Sockets(http, patterns, Options() if options is None else options, lifespan)


@final
class Sockets:
    """Django's HTTP application, and WebSockets beside it. Made by `with_sockets`."""

    def __init__(
        self,
        http: Any,
        patterns: Sequence[Any],
        options: Options,
        lifespan: Lifespan | None = None,
    ) -> None:
        self._http = http
        self._resolver = URLResolver(RegexPattern(r"^/"), list(patterns))
        self._options = options
        self._sockets = asgi.asgi(self._asked, options=options, lifespan=lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] in {"websocket", "lifespan"}:  # Django's own knows no lifespan
            _Threads.of_this_loop()
            await self._sockets(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _asked(self, request: Request) -> Any:
        asked = _request(request)
        try:
            host = asked.get_host()
        except DisallowedHost as error:
            raise HandshakeError(400, "the Host is none of ALLOWED_HOSTS") from error
        try:
            match = self._resolver.resolve(asked.path_info)
        except Resolver404:
            _check_origin(request, host, self._options)
            return Response(404, "nothing here\n")
        ours = _check_origin(request, host, options_of_host(_class_of(match), self._options))
        asked.resolver_match = match
        try:
            return _let_in(*await _answered(asked, match), ours=ours)
        finally:
            # The task goes on for as long as the connection: for the ORM, it ends here.
            if threads := _Threads.of_this_loop():
                threads.give_back(asyncio.current_task())


async def _answered(asked: Any, match: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Return the answer to Django's request, and the cookies that go with it.

    Raises:
        Refuse: the view has refused, in our words or in Django's.
    """
    try:
        sessions = await _load(asked)
        answered = await _called(asked, match)
        theirs: Any = answered if isinstance(answered, HttpResponse) else HttpResponse()
        if not getattr(theirs, "is_rendered", True):
            await sync_to_async(theirs.render)()
        if sessions is not None:
            await sync_to_async(sessions.process_response)(asked, theirs)
    except Http404 as error:
        raise Refuse(404, "nothing here\n") from error
    except PermissionDenied as error:
        raise Refuse(403, "forbidden\n") from error
    except (BadRequest, SuspiciousOperation) as error:
        raise Refuse(400, "bad request\n") from error
    cookies = [("Set-Cookie", one.OutputString()) for one in theirs.cookies.values()]
    if theirs is answered:
        return Response(theirs.status_code, theirs.content, list(theirs.items())), cookies
    return answered, cookies


async def _called(asked: Any, match: Any) -> Any:
    """Call a view, in a thread if it is none of asyncio's."""
    if (made := _class_of(match)) is not None:
        return made(asked.sock, *match.args, **match.kwargs)
    view: Any = match.func
    # asgiref's: before Python 3.12, that of `inspect` does not know how Django marks its own.
    marked: Any = iscoroutinefunction
    if not (marked(view) or marked(view.__call__)):
        view = sync_to_async(view)
    answered = view(asked, *match.args, **match.kwargs)
    while inspect.isawaitable(answered):  # a decorator may be none of asyncio's, and its view be
        answered = await answered
    return answered


def _request(request: Request) -> Any:
    """Return Django's request, as it would have come over HTTP."""
    scope: Any = {**request.state["asgi.scope"], "type": "http", "method": "GET"}
    scope["scheme"] = request.scheme
    scope.setdefault("root_path", "")
    made: Any = SocketRequest(scope, BytesIO())
    made.sock = request
    return made


async def _load(request: Any) -> Any:
    """Load session and user, once, as the middleware of HTTP would when they are asked for.

    Returns:
        The middleware of sessions, which keeps what the view leaves in one; None if there is none.
    """
    from django.contrib.sessions.middleware import SessionMiddleware

    sessions = _middleware(SessionMiddleware)
    if sessions is None:
        return None
    await sync_to_async(sessions.process_request)(request)
    await request.session.aget("_sock_loads_it")
    if apps.is_installed("django.contrib.auth"):  # else it cannot be imported
        from django.contrib.auth.middleware import AuthenticationMiddleware

        users = _middleware(AuthenticationMiddleware)
        if users is not None:
            await sync_to_async(users.process_request)(request)
            request.user = await request.auser()
    return sessions


def _middleware(kind: type[Any]) -> Any:
    """Return the project's middleware of this kind, or of one derived from it; None without."""
    for path in conf.settings.MIDDLEWARE:
        made: Any = import_string(path)
        if isinstance(made, type) and issubclass(made, kind):
            return made(HttpResponse)  # of which only its two halves will be called
    return None


def _class_of(match: Any) -> Any:
    """Return the Sock class that stands in place of a view; None for a view."""
    view: Any = match.func
    return view if isinstance(view, type) and issubclass(view, Sock) else None


def _check_origin(request: Request, host: str, options: Options) -> bool:
    """Tell whether the page is one that Django trusts, and not only listed in the options.

    Raises:
        HandshakeError: another site's page asks.
        HandlerError: as for `handshake.check_origin`.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return False
    if _is_ours(origin, host):
        return True
    if is_listed(origin, request, options.origins):
        return False
    raise handshake.foreign_origin(
        request, origin, settings="ALLOWED_HOSTS, CSRF_TRUSTED_ORIGINS or the option origins="
    )


def _is_ours(origin: str, host: str) -> bool:
    if parse_origin(origin) is None:  # such as "http://[::1", or with a path
        return False
    page = urlsplit(origin)
    name = page.hostname or ""
    allowed = conf.settings.ALLOWED_HOSTS or (_LOCAL if conf.settings.DEBUG else ())
    allowed = [one for one in allowed if one != "*"]  # which says nothing about pages
    if name == (urlsplit(f"//{host}").hostname or "") or (name and validate_host(name, allowed)):
        return True
    trusted = conf.settings.CSRF_TRUSTED_ORIGINS
    wild = [urlsplit(one) for one in trusted if "*" in one]
    return origin in trusted or any(
        one.scheme == page.scheme and is_same_domain(page.netloc, one.netloc.lstrip("*"))
        for one in wild
    )


def _let_in(answered: Any, cookies: list[tuple[str, str]], *, ours: bool) -> Any:
    """Return the answer with its cookies; a page that Django trusts has been let in with that."""
    if isinstance(answered, Sock):
        answered = Upgrade(answered)
    if isinstance(answered, Upgrade):
        given = Options() if answered.options is None else answered.options
        if ours and "origins" not in given.given:
            given = given.over(Options(origins="*"))
        return Upgrade(
            answered.handler,
            subprotocol=answered.subprotocol,
            headers=(*answered.headers, *cookies),
            options=given,
        )
    if isinstance(answered, Response):
        return Response(answered.status, answered.body, (*answered.headers, *cookies))
    return answered


@final
class _Threads(Executor):
    """Where the ORM runs for the sockets of one loop, in place of asgiref's one thread for all.

        what happens                          what is done
        ------------------------------------  ---------------------------------------------------
        a task calls the ORM, first time      it is given the thread that the fewest tasks have
        it calls again, until it ends         in the same thread, with the same connection
        every second with connections open
          - no task has the thread            what is old is closed, by Django's rules
          - a task has it                     only what is broken: there may be a cursor half read,
                                              a temporary table, a lock

    A callback that waits is a task, and so are a generator, a stream and what is spawned.
    Where somebody else says in which thread the ORM runs, such as Django's tests and its HTTP
    requests, that holds, and whose the thread is looks after its connections.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._threads = [_Thread(loop) for _ in range(_THREADS)]
        self._of: dict[asyncio.Task[Any], _Thread] = {}

    @classmethod
    def of_this_loop(cls) -> _Threads | None:
        """Have the ORM run in such threads from now on; None where somebody else's are used."""
        loop = asyncio.get_running_loop()
        known: dict[Any, Any] = AsyncToSync.loop_thread_executors
        if loop not in known:
            for other, threads in list(known.items()):
                if isinstance(threads, cls) and other.is_closed():
                    known.pop(other, None)
                    threads.end()
            known[loop] = cls(loop)
        threads = known[loop]
        return threads if isinstance(threads, cls) else None

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call in the thread of the current task."""
        task = asyncio.current_task()
        thread = None if task is None else self._of.get(task)
        if thread is None:
            thread = min(self._threads, key=lambda one: one.tasks)  # the first: few, if few will do
            if task is not None:
                self._of[task] = thread
                thread.tasks += 1
                task.add_done_callback(self.give_back)
        return thread.submit(call, *args, **kwargs)

    def give_back(self, task: asyncio.Task[Any] | None) -> None:
        """Note that a task has ended, or has no more to do with the ORM."""
        if task is not None and (thread := self._of.pop(task, None)):
            thread.tasks -= 1

    def end(self) -> None:
        """End the threads, and close their connections: the loop is closed."""
        for thread in self._threads:
            if thread.watched:
                thread.pool.submit(connections.close_all)
            thread.pool.shutdown(wait=False)


@final
class _Thread:
    """One of them, with its connections to the databases. Used from the loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.pool = ThreadPoolExecutor(1, "sock-orm")
        self.tasks = 0
        self.watched = False
        """Whether there may be connections."""

    def submit(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        self._watch()
        return self.pool.submit(call, *args, **kwargs)

    def _watch(self) -> None:
        if not self.watched:
            self.watched = True
            # In a context of its own: that of whoever calls would be kept as long as this goes on.
            self._loop.call_later(_LINGER, self._look, context=contextvars.Context())

    def _look(self) -> None:
        # Whoever calls from now on comes behind this, and is looked after by another look.
        self.watched = False
        closing = self._loop.run_in_executor(self.pool, partial(_close_old, in_use=self.tasks > 0))
        closing.add_done_callback(self._looked)

    def _looked(self, closing: asyncio.Future[bool]) -> None:
        if closing.cancelled() or closing.exception() or closing.result():
            self._watch()


def _close_old(*, in_use: bool) -> bool:
    """Close this thread's connections that need it; tell whether any is left open."""
    if not in_use:
        close_old_connections()
    opened: list[Any] = [
        one for one in connections.all(initialized_only=True) if one.connection is not None
    ]
    for one in opened:
        if in_use and one.errors_occurred and not (one.in_atomic_block or one.is_usable()):
            one.close()
    return any(one.connection is not None for one in opened)
