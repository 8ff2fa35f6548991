"""How an application answers a request: with a connection, or with an ordinary HTTP response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, final

from .handler import Sock
from .options import SERVER_FIELDS, Options
from .request import Request

HeaderPairs: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]

# RFC 9110 §5.6.2: the characters of a token, such as a field's name or a subprotocol.
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# RFC 9110 §5.5: neither may a field's value carry these, which would begin another field or another message.
_NEVER_IN_VALUE = frozenset("\r\n\0")


@final
class Response:
    """An ordinary HTTP answer.

    Args:
        status: 200 to 599.
        body: text is encoded as UTF-8.
        headers: a mapping or pairs; a `Content-Type` is guessed from the body's type where none is given.

    Raises:
        ValueError: the status is none of an answer, or a header could not be sent.

    >>> Response(404, "no such room")
    Response(404, 'no such room')

    RFC 9110 §15.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int = 200, body: str | bytes = b"", headers: HeaderPairs = ()) -> None:
        if not 200 <= status <= 599:  # noqa: PLR2004 - RFC 9110 §15: the classes of final answers
            raise ValueError(f"an answer's status is 200 to 599, not {status} (RFC 9110 §15)")
        self.status = status
        self.body = body
        self.headers = header_pairs(headers)

    def __repr__(self) -> str:
        return f"Response({self.status}, {self.body!r})"


@final
class Refuse(Exception):  # noqa: N818 - not an error but an answer, and read as a verb: raise Refuse(403)
    """Raised during the handshake, to answer with an ordinary response in place of the upgrade.

    Not an error: it is not logged as one.

    Args:
        status: of the answer.
        body: of the answer; text is encoded as UTF-8.
        headers: of the answer.

    Raises:
        ValueError: as for `Response`.

    >>> Refuse(401, headers={"WWW-Authenticate": "Basic"}).response
    Response(401, b'')
    """

    def __init__(self, status: int = 403, body: str | bytes = b"", headers: HeaderPairs = ()) -> None:
        super().__init__(status, body)
        self.response = Response(status, body, headers)


@final
class Upgrade:
    """Accept the connection: hand it to a handler, with more to say than a bare `Sock` can.

    Args:
        handler: takes over when the connection is live.
        subprotocol: the one chosen of those offered.
        headers: sent with the 101.
        options: limits for this connection, over the server's.

    Raises:
        ValueError: a header or the subprotocol could not be sent, or an option is the server's.

    RFC 6455 §4.2.2.
    """

    __slots__ = ("handler", "headers", "options", "subprotocol")

    def __init__(
        self,
        handler: Sock[Any, Any],
        /,
        *,
        subprotocol: str | None = None,
        headers: HeaderPairs = (),
        options: Options | None = None,
    ) -> None:
        if subprotocol is not None and not _is_token(subprotocol):
            raise ValueError(f"{subprotocol!r} is no subprotocol (RFC 6455 §4.1)")
        if options is not None and (misplaced := SERVER_FIELDS & options.given):
            raise ValueError(f"{', '.join(sorted(misplaced))}: of the server, not of one connection")
        self.handler = handler
        self.subprotocol = subprotocol
        self.headers = header_pairs(headers)
        self.options = options

    def __repr__(self) -> str:
        return f"Upgrade({self.handler!r})"


Answer: TypeAlias = Sock[Any, Any] | Upgrade | Response
"""How an application answers a request; a bare `Sock` means `Upgrade(sock)`."""

App: TypeAlias = Callable[[Request], Answer | Awaitable[Answer]]
"""An application: any callable from a request to an answer. So a Sock class is one."""


def header_pairs(headers: HeaderPairs) -> tuple[tuple[str, str], ...]:
    """Return headers as pairs, checked: what an application sends can begin no other field or message.

    Raises:
        ValueError: a name is no token, or a value carries CR, LF or NUL (RFC 9110 §5).
    """
    pairs = tuple(headers.items() if isinstance(headers, Mapping) else headers)
    for name, value in pairs:
        if not _is_token(name):
            raise ValueError(f"{name!r} is no name of a header field (RFC 9110 §5.1)")
        if not _NEVER_IN_VALUE.isdisjoint(value):
            raise ValueError(f"the header field {name!r} carries a line break or NUL (RFC 9110 §5.5)")
    return pairs


def _is_token(text: str) -> bool:
    return bool(text) and _TOKEN.issuperset(text)
