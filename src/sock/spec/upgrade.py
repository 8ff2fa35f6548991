"""How an application answers a request: with a connection, or with an ordinary HTTP response."""

# Annotations are evaluated, so that get_type_hints reads them under the name sock.Upgrade.
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias, TypedDict, Unpack, cast, final

from .exact import exact_content, exact_int, exact_text
from .handler import Sock
from .masking import masked_headers, masked_subprotocol
from .options import Options, check_of_connection
from .request import Request

HeaderPairs: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]

# RFC 9110 §5.6.2: the characters of a token, such as a field's name or a subprotocol.
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# RFC 9110 §5.5: CR, LF and NUL in a field's value, which would begin another field or another
# message, "are invalid and dangerous"; "other CTL characters are also invalid". A tab is none.
_NEVER_IN_VALUE = frozenset(map(chr, (*range(0x20), 0x7F))) - {"\t"}


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Response:
    """An ordinary HTTP answer.

    Args:
        status: 200 to 599.
        body: text is encoded as UTF-8.
        headers: a mapping or pairs, sent as UTF-8 and kept as pairs. Without a `Content-Type` among
            them, it is guessed from the type of the body.

    Raises:
        ValueError: the status is not in that range, or a header cannot be sent.
        TypeError: an argument has the wrong type.

    >>> Response(404, "no such room")
    Response(404, 'no such room')

    RFC 9110 §15.
    """

    status: int
    body: str | bytes
    headers: tuple[tuple[str, str], ...]

    def __init__(
        self, status: int = 200, body: str | bytes = b"", headers: HeaderPairs = ()
    ) -> None:
        _check_answer(status, body)
        object.__setattr__(self, "status", exact_int(status))
        object.__setattr__(self, "body", exact_content(body))
        object.__setattr__(self, "headers", header_pairs(headers))

    def __repr__(self) -> str:
        headers = f", {masked_headers(self.headers)!r}" if self.headers else ""
        return f"Response({int(self.status)}, {self.body!r}{headers})"


@final
class Refuse(Exception):
    """Raised during the handshake, to answer with an ordinary response in place of the upgrade.

    It is not an error, and is not logged as one.

    Args:
        status: of the answer.
        body: of the answer; text is encoded as UTF-8.
        headers: of the answer.

    Raises:
        ValueError: as for `Response`.
        TypeError: as for `Response`.

    >>> Refuse(401, headers={"WWW-Authenticate": "Basic"}).response
    Response(401, b'', (('WWW-Authenticate', 'Basic'),))
    """

    __match_args__ = ("response",)

    def __init__(
        self, status: int = 403, body: str | bytes = b"", headers: HeaderPairs = ()
    ) -> None:
        super().__init__(status, body)
        self.response = Response(status, body, headers)


class Changes(TypedDict, total=False):
    """The fields of an `Upgrade`, for `Upgrade.replace`."""

    handler: Sock[Any, Any, Any]
    subprotocol: str | None
    headers: HeaderPairs
    options: Options | None


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Upgrade:
    """Accept the connection with a handler, and choose its subprotocol, headers and options.

    Args:
        handler: gets the callbacks of the connection.
        subprotocol: one of those that the peer offers.
        headers: sent with the 101, as UTF-8, and kept as pairs.
        options: limits for this connection, laid over those of the server.

    Raises:
        ValueError: a header or the subprotocol cannot be sent, or an option belongs to the server.
        TypeError: the handler is not a `Sock`, but for instance a class in place of its instance.

    >>> upgrade = Upgrade(TextSock(Request()), subprotocol="chat.v2")
    >>> upgrade.replace(headers={"X-Room": "7"}).subprotocol
    'chat.v2'

    RFC 6455 §4.2.2.
    """

    handler: Sock[Any, Any, Any]
    _: KW_ONLY
    subprotocol: str | None
    headers: tuple[tuple[str, str], ...]
    options: Options | None

    def __init__(
        self,
        handler: Sock[Any, Any, Any],
        /,
        *,
        subprotocol: str | None = None,
        headers: HeaderPairs = (),
        options: Options | None = None,
    ) -> None:
        _check_handler(handler)
        if subprotocol is not None:
            subprotocol = exact_text(subprotocol)
            if not _is_token(subprotocol):
                shown = masked_subprotocol(subprotocol)
                raise ValueError(f"{shown!r} is no subprotocol (RFC 6455 §4.1)")
        if options is not None:
            check_of_connection(options, "options")
        object.__setattr__(self, "handler", handler)
        object.__setattr__(self, "subprotocol", subprotocol)
        object.__setattr__(self, "headers", header_pairs(headers))
        object.__setattr__(self, "options", options)

    def replace(self, **changes: Unpack[Changes]) -> "Upgrade":
        """Return a copy with other values for some fields, which are checked like those of this.

        Args:
            changes: the fields by their names: `handler`, `subprotocol`, `headers`, `options`.

        Raises:
            ValueError: as for `Upgrade`.
            TypeError: as for `Upgrade`; or there is no such field.
        """
        given: Any = {
            "handler": self.handler,
            "subprotocol": self.subprotocol,
            "headers": self.headers,
            "options": self.options,
            **changes,
        }
        return Upgrade(given.pop("handler"), **given)

    __replace__ = replace  # for `copy.replace`, from Python 3.13 on

    def __repr__(self) -> str:
        return f"Upgrade({self.handler!r})"


Answer: TypeAlias = Sock[Any, Any, Any] | Upgrade | Response
"""The answer of an application to a request; a bare `Sock` means `Upgrade(sock)`."""

App: TypeAlias = Callable[[Request], Answer | Awaitable[Answer]]
"""An application: any callable that takes a request and returns an answer, like a Sock class.

It may have the attributes `lifespan` and `options`, as an `Application` has.
"""


def change_upgrade(answer: Any, change: Callable[[Upgrade], Upgrade]) -> Answer | Awaitable[Answer]:
    """Return the answer of an application, changed where it is a connection. For applications.

    Args:
        answer: of any kind, also one that is awaited. What is no answer is returned as it is: the
            host finds the breach.
        change: is called with the Upgrade; a bare `Sock` means `Upgrade(sock)`.
    """
    if isinstance(answer, Sock):
        return change(Upgrade(cast("Sock[Any, Any, Any]", answer)))
    if isinstance(answer, Upgrade):
        return change(answer)
    if not isinstance(answer, Response) and inspect.isawaitable(answer):
        return _change_awaited(answer, change)
    return cast("Answer", answer)


async def _change_awaited(answer: Awaitable[Any], change: Callable[[Upgrade], Upgrade]) -> Answer:
    changed = change_upgrade(await answer, change)
    return cast("Answer", changed)


def header_pairs(headers: HeaderPairs) -> tuple[tuple[str, str], ...]:
    """Return headers as pairs that were checked, so that none of them can begin another message.

    Raises:
        ValueError: a name is not a token, or a value has a control character or a lone surrogate
            (RFC 9110 §5).
        TypeError: they are neither a mapping nor pairs of str.

    >>> header_pairs({"Retry-After": "5"})
    (('Retry-After', '5'),)
    """
    if not headers and isinstance(headers, tuple):  # there are none
        return headers
    given = headers.items() if isinstance(headers, Mapping) else headers
    return tuple(_checked_pair(headers, pair) for pair in given)


def _checked_pair(headers: HeaderPairs, pair: object) -> tuple[str, str]:
    match pair:
        case (str() as name, str() as value):
            pass
        case _:
            # Their values stay out of the text: a cookie may be among them, and this is logged.
            kind = type(pair).__name__
            raise TypeError(
                f"headers are a mapping or pairs of str, not {type(headers).__name__!r} with a"
                f" {kind!r} that is no such pair"
            )
    name, value = exact_text(name), exact_text(value)
    if not _is_token(name):
        raise ValueError(f"{name!r} is no name of a header field (RFC 9110 §5.1)")
    if not _NEVER_IN_VALUE.isdisjoint(value):
        raise ValueError(f"the header field {name!r} carries a control character (RFC 9110 §5.5)")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the header field {name!r} is no Unicode text (RFC 9110 §5.5)") from None
    return name, value


def _check_answer(status: Any, body: Any) -> None:
    if isinstance(status, bool) or not isinstance(status, int):
        raise TypeError(f"a status is an int, not {status!r}")
    if not 200 <= exact_int(status) <= 599:
        raise ValueError(
            f"an answer's status is 200 to 599, not {exact_int(status)} (RFC 9110 §15)"
        )
    if not isinstance(body, (str, bytes)):
        raise TypeError(f"a body is str or bytes, not {type(body).__name__!r}")


def _check_handler(handler: Any) -> None:
    if not isinstance(handler, Sock):
        hint = f": {handler.__name__}(request)?" if isinstance(handler, type) else ""
        raise TypeError(f"an Upgrade takes a Sock, not {handler!r}{hint}")


def _is_token(text: str) -> bool:
    return bool(text) and _TOKEN.issuperset(text)
