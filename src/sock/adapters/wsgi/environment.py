"""The environ of a WSGI request as a `Request`, and what else the environ tells.

PEP 3333.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from sock.adapters import body
from sock.adapters.conversion import type_name
from sock.spec import HandshakeError, Request

from .limits import HOSTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sock.spec.request import RawHeader

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = "Callable[[str, list[tuple[str, str]]], Any]"
WSGIApplication: TypeAlias = "Callable[[Environ, StartResponse], Iterable[bytes]]"

_SAFE: Final = "/!$&'()*+,;=:@~"  # RFC 3986 §3.3: the characters that a path holds unescaped
_OF_BODY: Final = ("CONTENT_TYPE", "CONTENT_LENGTH")
_SINGLE: Final = frozenset(("HTTP_SEC_WEBSOCKET_KEY", "HTTP_SEC_WEBSOCKET_VERSION"))
"""Fields that have no comma in them: where there is one, a server has joined several fields."""

_BARRED: Final = frozenset(b"\0\r\n")
"""RFC 9110 §5.5: "CR, LF, or NUL … a recipient of such a field value MUST either reject the message
…", and some servers let them pass."""

_PIECE: Final = 64 * 1024


def request_of(environ: Environ, *, route: bool) -> Request:
    """Return the request that an environ describes.

    Args:
        environ: of the request, perhaps changed by middleware.
        route: whether it is answered in a route of a framework, and not by a whole application.

    Raises:
        TypeError: it is no environ.
        HandshakeError: a field has what no field may have (400).
    """
    check_environ(environ)
    root = _text(environ.get("SCRIPT_NAME", "")).rstrip("/")
    path = _text(environ.get("PATH_INFO", ""))
    request = Request(
        environ["REQUEST_METHOD"],
        _target(environ, root + path),
        list(_fields(environ)),
        http_version=environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
        scheme=environ["wsgi.url_scheme"],
        client=_address(environ.get("REMOTE_ADDR"), environ.get("REMOTE_PORT") or 0),
        server=_address(environ.get("SERVER_NAME"), environ.get("SERVER_PORT")),
        root_path=root,
        host=HOSTS[route, "uwsgi.version" in environ],
    )
    request.path = path or "/"
    request.state["wsgi.environ"] = environ
    return request


def check_environ(environ: object) -> None:
    """Make sure that something is the environ of a WSGI request.

    Raises:
        TypeError: it is something else.
    """
    kind = type_name(environ)
    if not (isinstance(environ, dict) and "wsgi.version" in environ):
        raise TypeError(
            f"upgrade takes the environ of a WSGI request, such as request.environ, not a {kind}"
        )


def server_of(environ: Environ) -> str:
    """Return the name of the server, for an error."""
    if "uwsgi.version" in environ:
        return "uWSGI"
    if "mod_wsgi.version" in environ:
        return "mod_wsgi"
    return str(environ.get("SERVER_SOFTWARE") or "this server")


def body_of(environ: Environ, request: Request, limit: int) -> bytes:
    """Return the body of an ordinary request, which is read in the thread of the server.

    Args:
        environ: of the request.
        request: the same request.
        limit: the most bytes that the body may have.

    Raises:
        HandshakeError: the body has more bytes (413), or its length is no number (400).
        ConnectionResetError: the peer has left before the end of the body.
    """
    body.check_announced_length(request, limit)
    length = environ.get("CONTENT_LENGTH") or ""
    if length and not (length.isascii() and length.isdigit()):
        raise HandshakeError(400, "the Content-Length is no number (RFC 9110 §8.6)")
    if not length and not environ.get("wsgi.input_terminated"):
        return b""  # PEP 3333 does not say where a body would end
    left = int(length) if length else limit + 1
    received = bytearray()
    while left and (piece := environ["wsgi.input"].read(min(left, _PIECE))):
        received += piece
        left -= len(piece)
    if len(received) > limit:
        raise body.too_large(limit)
    if length and left:
        raise ConnectionResetError("the peer has left")
    return bytes(received)


def _target(environ: Environ, path: str) -> str:
    """Return the target as it came, if the server tells it, or one that says the same."""
    # Both names are not in PEP 3333, but many servers have one of them.
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        return str(raw)
    query = environ.get("QUERY_STRING")
    return quote(path, safe=_SAFE) + (f"?{query}" if query else "")


def _fields(environ: Environ) -> Iterable[RawHeader]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            name = key[5:]
        elif key in _OF_BODY and value:
            name = key
        else:
            continue
        # PEP 3333: each character of such a string stands for one byte.
        given = value.encode("latin-1", "replace").strip(b" \t")
        if not _BARRED.isdisjoint(given):
            raise HandshakeError(400, "a header field has a NUL or a line break (RFC 9110 §5.5)")
        values = given.split(b",") if key in _SINGLE else [given]
        for one in values:
            yield name.replace("_", "-").title().encode("latin-1"), one


def _address(name: Any, port: Any) -> tuple[str, int] | None:
    return (str(name), int(port)) if name and str(port).isdigit() else None


def _text(value: str) -> str:
    """Return the text of a string in which each character stands for a byte (PEP 3333)."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")
