"""`upgrade` in a view of Django's, which a WSGI server serves.

    def room(request: HttpRequest, name: str) -> HttpResponse:
        if not request.user.is_authenticated:
            return HttpResponse(status=401)
        return upgrade(request, Chat(name, request.user))

The view is an ordinary one, in the ordinary `urlpatterns`: all middleware of the project is around
it, and what it puts on the response, such as a cookie, is on the 101.

    Django calls                    what is done
    ------------------------------  --------------------------------------------------------------
    the view                        the handshake is judged; a refusal is an ordinary response
    the middleware, with the        what they always do
    response
    `start_response`                the server notes a 101
    the server reads the content    the connection is taken over, with the headers of the response

A server sends nothing before it reads the content. If the connection cannot be taken then, because
the process is about to end, the server has noted a 101 that nobody gets, and TCP ends.
"""

# Django ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUntypedBaseClass=false
from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, final

from django import conf
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from sock.adapters.conversion import type_name
from sock.adapters.wsgi.answering import Answer
from sock.adapters.wsgi.background import Background
from sock.adapters.wsgi.exchange import headers_for_peer
from sock.hosting.content import content_of
from sock.hosting.options import options_of_connection
from sock.spec import HandshakeError, Options, Upgrade

from .origin import check_origin
from .routing import SocketRequest
from .threads import OrmThreads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sock.spec import Request, Sock
    from sock.spec.upgrade import HeaderPairs


def upgrade(
    request: Any,
    handler: Sock[Any, Any, Any],
    options: Options | None = None,
    *,
    subprotocol: str | None = None,
    headers: HeaderPairs = (),
) -> Any:
    """Accept a WebSocket connection in a view, and hand it to a handler.

    A view of the project's `urlpatterns` under a WSGI server returns the response that this
    returns. A view of `with_sockets` returns the `Upgrade` that this returns there. So one view may
    serve both.

    Args:
        request: Django's.
        handler: gets the connection.
        options: of this connection. Pages of ALLOWED_HOSTS and of CSRF_TRUSTED_ORIGINS may connect,
            and those that these options or those of the handler's class list.
        subprotocol: the one chosen of those that the peer offered.
        headers: are sent with the 101.

    Returns:
        What the view must return.

    Raises:
        TypeError: `request` is no request of Django's that can be upgraded.
        RuntimeError: the server does not give its socket away.
        HandlerError: the subprotocol was not offered, or only the host may set one of the headers.
    """
    accepting = Upgrade(handler, subprotocol=subprotocol, headers=headers, options=options)
    if isinstance(request, SocketRequest):
        return accepting
    if not isinstance(request, WSGIRequest):
        raise TypeError(
            "upgrade takes the request of a view that a WSGI server serves, or of a view of"
            f" with_sockets, not a {type_name(request)}: under ASGI, the views of urlpatterns get"
            " no WebSockets"
        )

    def trusts_origin(asking: Request) -> bool:
        try:
            host = request.get_host()
        except DisallowedHost as error:
            raise HandshakeError(400, "the Host is none of ALLOWED_HOSTS") from error
        return check_origin(asking, host, options_of_connection(accepting, Options()))

    match: Any = request.resolver_match
    answer = Answer(
        request.environ,
        accepting,
        path_params=None if match is None else match.kwargs,
        trusts_origin=trusts_origin,
    )
    return _Upgrading(answer) if answer.refusal is None else _Refusing(answer)


class _Answering(HttpResponse):  # type: ignore[misc]  # Any, without django-stubs
    """A response whose connection is taken from the server when that reads the content."""

    def __init__(self, answer: Answer, content: bytes, status: int) -> None:
        super().__init__(content, status=status)
        self._answer = answer

    def close(self) -> None:
        """Note that the server has written its response."""
        self._answer.end()
        super().close()

    def headers_for_peer(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that the project has put on this response."""
        cookies = [("Set-Cookie", one.OutputString()) for one in self.cookies.values()]
        return headers_for_peer([*self.items(), *cookies])


@final
class _Upgrading(_Answering):
    """The 101."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer, b"", 101)

    def __iter__(self) -> Iterator[bytes]:
        """Take the connection over, with the headers of this response."""
        with contextlib.suppress(HandshakeError):  # the process is about to end: `begin` tells it
            loop = Background.of_process().loop
            loop.call_soon_threadsafe(OrmThreads.of_this_loop)
            if conf.settings.DEBUG:
                loop.set_debug(True)  # names the callbacks that block it
        if self._answer.begin(self.headers_for_peer()) is not None:
            raise ConnectionResetError("the connection could not be taken over")
        return iter(())


@final
class _Refusing(_Answering):
    """The response in place of a 101."""

    def __init__(self, answer: Answer) -> None:
        refusal: Any = answer.refusal
        super().__init__(answer, content_of(refusal), refusal.status)
        del self["Content-Type"]  # Django sets it even where there is no content

    def __iter__(self) -> Iterator[bytes]:
        """Send the response from the event loop, or let the server do it."""
        if self._answer.refuse(self.headers_for_peer()):
            return iter(())
        content: Iterator[bytes] = super().__iter__()
        return content
