"""What is given to a WSGI server: a response, or nothing because the connection was taken over."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from sock.adapters.conversion import content_of, for_latin_1, headers_of
from sock.hosting.content import has_content_length
from sock.spec import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .environment import Environ, StartResponse, WSGIApplication
    from .given_socket import GivenSocket

Headers: TypeAlias = "Iterable[tuple[str, str]]"

_OF_CONTENT: Final = frozenset(("content-length", "content-type"))


def headers_for_peer(pairs: Headers) -> tuple[tuple[str, str], ...]:
    """Return the headers of a framework's response that may stand on a response of ours.

    Those that describe the framework's own content are left out.
    """
    return tuple((name, value) for name, value in pairs if name.lower() not in _OF_CONTENT)


def with_headers(response: Response, headers: Headers) -> Response:
    """Return a response with more headers."""
    return Response(response.status, response.body, (*response.headers, *headers))


def send(
    response: Response, method: str, start_response: StartResponse, *, last: bool
) -> Iterable[bytes]:
    """Return the content of a response, whose status and fields the server is told first.

    Args:
        response: the response to send.
        method: of the request.
        start_response: the server's.
        last: whether the connection ends with this response.
    """
    content = content_of(response)
    headers = [(name, for_latin_1(value)) for name, value in headers_of(response)]
    if has_content_length(response.status):
        headers.append(("Content-Length", str(len(content))))
    if last:
        close_after_response(start_response)
    start_response(status_line(response.status), headers)
    return [] if method == "HEAD" else [content]


def status_line(status: int) -> str:
    """Return a status with the phrase that belongs to it. PEP 3333 wants one."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def send_nothing(given: GivenSocket, start_response: StartResponse, status: int = 101) -> Nothing:
    """Let the server end its work on a connection that was taken over.

    Args:
        given: its socket.
        start_response: the server's.
        status: what the peer is told, for the log of the server.
    """
    close_after_response(start_response)
    start_response(status_line(status), [])
    return Nothing(given)


def close_after_response(start_response: StartResponse) -> None:
    """Let nothing behind this request be read as another request.

    The bytes behind a request that asks to upgrade may be frames, whatever the response is. Only
    gunicorn's gthread worker keeps a connection, and its response object has this method. RFC 9110
    §7.8.
    """
    response: Any = getattr(start_response, "__self__", None)
    force_close = getattr(response, "force_close", None)
    if force_close is not None:
        force_close()


def setup(application: WSGIApplication) -> WSGIApplication:
    """Let a WSGI application close each connection whose request to upgrade was refused.

    gunicorn's gthread worker reads the bytes behind such a request as another request, although
    they may be frames. What this package answers needs no `setup`. Every other response of the
    application does, for example a 401 before `upgrade`, or a 404.

    Args:
        application: the whole application, such as Django's `get_wsgi_application()`.

    Returns:
        The application to give to the server.

    RFC 9110 §7.8.
    """

    def closing(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            close_after_response(start_response)
        return application(environ, start_response)

    return closing


@final
class Nothing:
    """The content of the response that a server writes where the connection was taken over.

    Args:
        given: the socket that was taken.
    """

    def __init__(self, given: GivenSocket) -> None:
        self._given = given

    def __iter__(self) -> Iterator[bytes]:
        # uWSGI writes its head with the first bytes of the content, or else behind `close`, when
        # nobody is there to take it.
        return iter((b"\n",) if self._given.by_uwsgi else ())

    def close(self) -> None:
        """Note that the server has written its response. PEP 3333."""
        self._given.end()
