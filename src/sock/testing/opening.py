"""`testing.open`, which opens a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from sock.hosting.application import check_application
from sock.spec import Compression, Request, Sock

from .request import request as request_
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sock.spec import App, Options
    from sock.spec.upgrade import HeaderPairs

HandlerT = TypeVar("HandlerT", bound=Sock[Any, Any, Any])


@overload
def open(  # noqa: A001 - it is used as testing.open
    app: Callable[[Request], HandlerT],
    target: str | Request = ...,
    *,
    method: str = ...,
    body: bytes = ...,
    headers: HeaderPairs = ...,
    subprotocols: Sequence[str] = ...,
    cookies: Mapping[str, str] | None = ...,
    options: Options | None = ...,
    compression: bool | Compression = ...,
    pongs: bool = ...,
) -> Session[HandlerT]: ...


@overload
def open(  # noqa: A001 - it is used as testing.open
    app: App,
    target: str | Request = ...,
    *,
    method: str = ...,
    body: bytes = ...,
    headers: HeaderPairs = ...,
    subprotocols: Sequence[str] = ...,
    cookies: Mapping[str, str] | None = ...,
    options: Options | None = ...,
    compression: bool | Compression = ...,
    pongs: bool = ...,
) -> Session[Any]: ...


def open(  # noqa: A001 - it is used as testing.open
    app: App,
    target: str | Request = "/",
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: HeaderPairs = (),
    subprotocols: Sequence[str] = (),
    cookies: Mapping[str, str] | None = None,
    options: Options | None = None,
    compression: bool | Compression = False,
    pongs: bool = False,
) -> Session[Any]:
    """Return a connection to an application, to be used in a `with` statement.

    A request with another method than GET asks for no connection: its answer is in `response`.

    Args:
        app: the application, such as a Sock class.
        target: path and query of the request, or a whole request that `testing.request` has made.
        method: upper case; only a GET asks for a connection.
        body: the body of an ordinary request, such as a POST.
        headers: the header fields of the request.
        subprotocols: those that the request offers.
        cookies: names and values.
        options: the limits of the host; the application may lay its own over them.
        compression: whether, or how, the peer offers to compress. The host accepts if its options
            say so.
        pongs: whether the peer answers pings, as browsers do. A peer that does not is silent, and
            times out after `idle_timeout`.

    Raises:
        TypeError: the application cannot be called with a request, as an ASGI application cannot;
            or a whole request is given, and parts of one beside it.

    >>> class Echo(Sock):
    ...     def handle_in(self, message: str | bytes) -> str | bytes:
    ...         return message
    >>> with open(Echo) as session:
    ...     session.receive("hello")
    ...     session.pushed()
    ...     session.advance(60)
    ...     session.reason
    ['hello']
    TimedOut()
    """
    check_application(app)
    if isinstance(target, Request):
        if method != "GET" or body or headers or subprotocols or cookies:
            raise TypeError(
                "a whole request has its own method, body, headers, subprotocols and cookies"
            )
        request = target
    else:
        request = request_(
            target,
            method=method,
            body=body,
            headers=headers,
            subprotocols=subprotocols,
            cookies=cookies,
        )
    if isinstance(compression, bool):
        offered = Compression() if compression else None
    else:
        offered = compression
    return Session(app, request, options=options, compression=offered, pongs=pongs)
