"""The way into a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from sock.hosting.asking import check_app
from sock.spec import Compression, Request, Sock

from .request import request as request_
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sock.spec import App, Options
    from sock.spec.upgrade import HeaderPairs

HandlerT = TypeVar("HandlerT", bound=Sock[Any, Any])


@overload
def open(  # noqa: A001 - said as testing.open
    app: Callable[[Request], HandlerT],
    target: str | Request = ...,
    *,
    headers: HeaderPairs = ...,
    subprotocols: Sequence[str] = ...,
    cookies: Mapping[str, str] | None = ...,
    options: Options | None = ...,
    compression: bool | Compression = ...,
    pongs: bool = ...,
) -> Session[HandlerT]: ...


@overload
def open(  # noqa: A001 - said as testing.open
    app: App,
    target: str | Request = ...,
    *,
    headers: HeaderPairs = ...,
    subprotocols: Sequence[str] = ...,
    cookies: Mapping[str, str] | None = ...,
    options: Options | None = ...,
    compression: bool | Compression = ...,
    pongs: bool = ...,
) -> Session[Any]: ...


def open(  # noqa: A001 - said as testing.open
    app: App,
    target: str | Request = "/",
    *,
    headers: HeaderPairs = (),
    subprotocols: Sequence[str] = (),
    cookies: Mapping[str, str] | None = None,
    options: Options | None = None,
    compression: bool | Compression = False,
    pongs: bool = False,
) -> Session[Any]:
    """Return a connection to an application, to be used in a `with`.

    Args:
        app: the application, such as a Sock class.
        target: path and query of the request; or a whole one, made by `testing.request`.
        headers: of the request.
        subprotocols: that it offers.
        cookies: names and values.
        options: the host's limits; the application may lay its own over them.
        compression: whether, or how, the peer offers to compress; the host does if its options say.
        pongs: whether the peer answers pings, as browsers do. One that does not is silent, and so
            after `idle_timeout` it has timed out.

    Raises:
        TypeError: it is no application of Sock's, such as an ASGI application; or a whole request
            is given more headers.

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
    check_app(app)
    if isinstance(target, Request):
        if headers or subprotocols or cookies:
            raise TypeError("a whole request has its own headers, subprotocols and cookies")
        request = target
    else:
        request = request_(target, headers=headers, subprotocols=subprotocols, cookies=cookies)
    if isinstance(compression, bool):
        offered = Compression() if compression else None
    else:
        offered = compression
    return Session(app, request, options=options, compression=offered, pongs=pongs)
