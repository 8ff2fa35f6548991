"""`JsonSock`: a Sock whose messages are values of declared types, and JSON on the wire."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, cast

from sock.spec import (
    CloseCode,
    HandlerError,
    InvalidMessage,
    Ping,
    Pong,
    Prepared,
    Sock,
    Stop,
    Stream,
    Text,
)

from .coding import ENCODED, Coding
from .parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from typing import Never

    from typing_extensions import TypeVar

    InfoT = TypeVar("InfoT", default=Never)
    InT = TypeVar("InT", default=Any)
    OutT = TypeVar("OutT", default=Any)
else:
    from typing import TypeVar

    InfoT = TypeVar("InfoT")
    InT = TypeVar("InT")
    OutT = TypeVar("OutT")

Encoded: TypeAlias = Text | Prepared | Ping | Pong
"""A message that is sent as it is."""

if TYPE_CHECKING:
    TypedResult: TypeAlias = (
        None | OutT | Encoded | Sequence[OutT | Encoded] | Stop | Stream[OutT | Encoded]
    )
    """The result of a callback: values to send, or what any Sock may return."""

    TypedReturned: TypeAlias = (
        TypedResult[OutT] | Awaitable[TypedResult[OutT]] | AsyncIterator[OutT | Encoded | Stop]
    )
    """What a callback may return."""

    class _Base(Sock[InfoT, InT, TypedReturned[OutT]], Generic[InfoT, InT, OutT]): ...

else:
    _Base = Sock

_CODING: Final = "_JsonSock__coding"


class JsonSock(_Base[InfoT, InT, OutT], Generic[InfoT, InT, OutT]):
    """A Sock that takes and returns values, which are JSON on the wire.

    `JsonSock[Info, In, Out]` names the type of the infos, of the messages from the peer, and of the
    messages to the peer. The last two are types of msgspec (structs, dataclasses, TypedDicts,
    builtins, unions by tag) or models of pydantic. A message of the peer is decoded and checked
    before `handle_in` gets it; a value of `Out` that a callback returns or yields is encoded, and
    so is an info, where the class has no `handle_info`. Both are text: a binary message closes with
    1003.

    A list or a tuple is several messages, unless `Out` is a list or a tuple itself. `None` sends
    nothing. `Text` and `Prepared` are sent as they are, which is how a value is encoded once for
    many: `Text` comes from `encode`.

    The types are looked up when the class is made; if they refer to names that are not defined yet,
    when its first connection is made.

    Raises:
        ImportError: msgspec is not installed.
        TypeError: a type cannot be told from JSON.

    >>> class Add(JsonSock[None, list[int], int]):
    ...     def handle_in(self, numbers: list[int]) -> int:
    ...         return sum(numbers)
    >>> from sock import testing
    >>> Add(testing.request()).handle_in([1, 2])
    3
    >>> with testing.open(Add) as session:
    ...     session.receive("[1,2]", '["1"]')
    ...     session.pushed(), session.code, session.detail
    (['3'], 1007, '$[0]: expected `int`, got `str`')

    RFC 6455 §7.4.1, RFC 8259.
    """

    accepts = (str,)

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Look up the types of the messages."""
        super().__init_subclass__(**arguments)
        with suppress(NameError):  # of a type further down: then the first connection does it
            coding_of(cls)

    def handle_info(self, info: InfoT, /) -> TypedReturned[OutT]:
        """Take one info from inside the program.

        If a class lacks this method, an info that is a value of `Out` is sent to the peer.

        Raises:
            HandlerError: the class lacks this method, and the info is no value of `Out`.
        """
        outgoing = coding_of(type(self)).outgoing
        if isinstance(info, (*ENCODED, *outgoing.instances)):
            return cast("TypedReturned[OutT]", info)
        raise HandlerError(
            f"{type(self).__name__} has no handle_info, and {type(info).__name__!r} is not"
            f" {outgoing.name}, which it could send"
        )

    def handle_invalid(self, error: InvalidMessage, /) -> TypedReturned[OutT]:
        """Take note of a message that does not fit. What is returned is sent.

        A class without this method closes the connection with 1007 and the text of the error.
        """
        return Stop(CloseCode.INVALID_DATA, str(error), error=error)

    @classmethod
    def encode(cls, value: OutT, /) -> Text:
        """Return a value as a message, to send it to many or with a `Stop`.

        Raises:
            TypeError: the value is not of the type, or something in it cannot be written as JSON.
        """
        return Text(coding_of(cls).outgoing.encode(value))

    def coded(  # pyright: ignore[reportIncompatibleVariableOverride] - a Sock has None there
        self, callback: Callable[[Any], Any], name: str
    ) -> Callable[[Any], Any]:
        """Return what a host calls in the place of a callback. For hosts, by `own_callback`."""
        if name == "terminate":
            return callback
        coding = coding_of(type(self))
        if name == "handle_in":
            return coding.around_handle_in(callback, self.handle_invalid)
        return coding.around(callback, name)


def coding_of(kind: type[JsonSock[Any, Any, Any]]) -> Coding:
    """Return the codecs of a class, which are made once.

    Raises:
        NameError: a type refers to a name that is not defined.
        Exception: as for `Codec`.
    """
    found: Coding | None = vars(kind).get(_CODING)
    if found is None:
        _, incoming, outgoing = parameters_of(kind, JsonSock)
        found = Coding(kind.__qualname__, incoming, outgoing)
        setattr(kind, _CODING, found)
    return found
