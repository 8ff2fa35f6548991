"""Django's HTTP application with WebSockets beside it, as one ASGI application."""

# Django ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from django.core.exceptions import DisallowedHost
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern

from sock.adapters.asgi import asgi
from sock.hosting.options import options_of_host
from sock.spec import HandshakeError, Options, Request, Response, Sock, Upgrade

from . import view
from .origin import check_origin
from .threads import OrmThreads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sock.adapters.asgi.event import Receive, Scope, Send
    from sock.spec.application import Lifespan


def with_sockets(
    http: Any,
    patterns: Sequence[Any],
    *,
    options: Options | None = None,
    lifespan: Lifespan | None = None,
) -> Sockets:
    """Return an ASGI application that serves WebSockets by these patterns, and the rest by `http`.

    Args:
        http: Django's own application, from `get_asgi_application()`.
        patterns: of `path` and `re_path`, ours or Django's; their views return an `Answer` or
            raise `Refuse`; a Sock class may stand in the place of a view.
        options: the options of an `Upgrade` are laid over these. Pages of ALLOWED_HOSTS and of
            CSRF_TRUSTED_ORIGINS may connect, and those that the options of a Sock class list.
        lifespan: is entered when the server starts and left when it stops; see `sock.asgi`.
    """
    return Sockets(http, patterns, Options() if options is None else options, lifespan)


@final
class Sockets:
    """Django's HTTP application with WebSockets beside it. Made by `with_sockets`."""

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
        self._sockets = asgi(self._answer, options=options, lifespan=lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] in {"websocket", "lifespan"}:  # Django's application has no lifespan
            OrmThreads.of_this_loop()
            await self._sockets(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _answer(self, request: Request) -> Any:
        """Answer a handshake: the application of Sock's that is behind the ASGI application."""
        django_request = view.django_request(request)
        try:
            host = django_request.get_host()
        except DisallowedHost as error:
            raise HandshakeError(400, "the Host is none of ALLOWED_HOSTS") from error
        try:
            match = self._resolver.resolve(django_request.path_info)
        except Resolver404:
            check_origin(request, host, self._options)
            return Response(404, "nothing here\n")
        options = options_of_host(view.sock_class(match), self._options)
        trusted = check_origin(request, host, options)
        django_request.resolver_match = match
        request.path_params = {**request.path_params, **match.kwargs}
        try:
            answer, cookies = await view.ask(django_request, match)
        finally:
            # The task goes on for as long as the connection, but it uses the ORM no more.
            if threads := OrmThreads.of_this_loop():
                threads.give_back(asyncio.current_task())
        return _with_cookies(answer, cookies, trusted=trusted)


def _with_cookies(answer: Any, cookies: list[tuple[str, str]], *, trusted: bool) -> Any:
    """Return a view's answer with its cookies.

    Args:
        answer: of the view.
        cookies: as headers.
        trusted: whether Django trusts the page that asks: its origin is not checked again then,
            unless the answer has origins of its own.
    """
    if isinstance(answer, Sock):
        answer = Upgrade(answer)
    if isinstance(answer, Upgrade):
        options = Options() if answer.options is None else answer.options
        if trusted and "origins" not in options.given:
            options = options.over(Options(origins="*"))
        return answer.replace(headers=(*answer.headers, *cookies), options=options)
    if isinstance(answer, Response):
        return Response(answer.status, answer.body, (*answer.headers, *cookies))
    return answer
