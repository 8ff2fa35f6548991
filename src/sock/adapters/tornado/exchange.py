"""Requests and responses of Tornado's handlers, in Sock's form and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sock.adapters.conversion import address_of, content_of, for_latin_1, headers_of
from sock.spec import Request

from .limits import HOST
from .single_use import close_after_response

if TYPE_CHECKING:
    from tornado.web import RequestHandler

    from sock.spec import Response

_NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - Tornado's word for the client behind a Unix socket


def request_of(handler: RequestHandler) -> Request:
    """Return the request of a handler."""
    theirs = handler.request
    connection: Any = theirs.connection
    client = address_of(getattr(getattr(connection, "context", None), "address", None))
    if theirs.remote_ip != (client[0] if client else _NO_ADDRESS):
        client = (str(theirs.remote_ip), 0)  # a proxy has named the client, without its port
    sock = getattr(getattr(connection, "stream", None), "socket", None)
    request = Request(
        theirs.method or "GET",
        theirs.uri or "/",
        [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in theirs.headers.get_all()
        ],
        http_version=theirs.version.removeprefix("HTTP/"),
        scheme=theirs.protocol,
        client=client,
        server=None if sock is None else address_of(sock.getsockname()),
        path_params=dict(handler.path_kwargs),
        host=HOST,
    )
    request.state["tornado.handler"] = handler
    return request


def is_unanswered(handler: RequestHandler) -> bool:
    """Tell whether the handler has not begun its response."""
    theirs: Any = handler
    return not (theirs._headers_written or theirs._finished)  # noqa: SLF001 - nothing else tells


def send_response(handler: RequestHandler, response: Response) -> None:
    """Send a response by its handler."""
    handler.set_status(response.status)
    sent: set[str] = set()
    handler.clear_header("Content-Type")  # Tornado sets it even where there is no content
    for name, value in headers_of(response):
        # The first header of a name replaces the one that Tornado sets on every response.
        put = handler.add_header if name.lower() in sent else handler.set_header
        put(name, for_latin_1(value))
        sent.add(name.lower())
    close_after_response(handler.request)
    theirs: Any = handler  # the type of `finish` is partially unknown to type checkers
    theirs.finish(content_of(response) or None)
