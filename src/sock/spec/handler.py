"""The class of a connection's handler: its callbacks, and what happens where a class lacks one."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast

from .close_code import CloseCode
from .errors import HandlerError, UnsupportedData
from .message import MESSAGE_TYPES
from .options import Options, check_of_connection
from .result import Stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Never

    from typing_extensions import TypeVar

    from .message import Ping, Pong
    from .reason import Reason
    from .ref import Ref
    from .request import Request
    from .result import Returned

    InfoT = TypeVar("InfoT", default=Never)
    InT = TypeVar("InT", default=str | bytes)
    # What callbacks return. Only classes of this package give another type: JsonSock does.
    ReturnedT_co = TypeVar("ReturnedT_co", default=Returned, covariant=True)
else:
    # Defaults of type parameters (PEP 696) are for the type checkers; at run time 3.13 has them.
    from typing import TypeVar

    InfoT = TypeVar("InfoT")
    InT = TypeVar("InT")
    ReturnedT_co = TypeVar("ReturnedT_co", covariant=True)


class Sock(Generic[InfoT, InT, ReturnedT_co]):
    """The handler of one WebSocket connection; applications write subclasses.

    The host makes one at the handshake, with the request; calls `init` when the connection is live;
    then, one at a time and in the order of arrival, `handle_in` for what the peer sends,
    `handle_info` for what the program sends, `handle_control` for pings and pongs; and `terminate`,
    once, at the end. What a callback returns is sent.

    `Sock[Info, In]` names the type of the infos (none when left out) and of the messages
    (`str | bytes`). A class may have `options = Options(…)`, which every host lays over its own.

    >>> class Echo(Sock):
    ...     def handle_in(self, message: str | bytes) -> str | bytes:
    ...         return message
    >>> Echo(Request()).handle_in("hi")
    'hi'
    """

    if not TYPE_CHECKING:  # pragma: no branch
        # `Sock[Line]` leaves the other parameters to their defaults, which plain `Generic` refuses
        # before 3.13.
        __class_getitem__ = classmethod(types.GenericAlias)

    options: ClassVar[Options | None] = None
    """Limits for connections of this class: laid over the host's, below those of an `Upgrade`."""

    coded: ClassVar[Callable[..., Callable[[Any], Any]] | None] = None
    """What a host calls in the place of a callback; None where that is the callback itself. For
    `own_callback`, and not for applications."""

    accepts: ClassVar[tuple[type[str | bytes], ...]] = (str, bytes)
    """The types of the messages that the peer may send: `str` for text, `bytes` for binary. A
    message of another type closes with 1003."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Refuse options that a connection cannot have, and types that a message cannot have.

        Raises:
            TypeError: the attribute `options` of the class is not an Options, or `accepts` is not a
                tuple of `str`, `bytes` or both.
            ValueError: the options have fields that only a server has.
        """
        super().__init_subclass__(**arguments)
        accepts: Any = cls.accepts
        types = cast("tuple[object, ...]", accepts) if isinstance(accepts, tuple) else (None,)
        if not all(kind is str or kind is bytes for kind in types):
            raise TypeError(
                f"{cls.__name__}.accepts is a tuple of the types str and bytes, not {accepts!r}"
            )
        if cls.options is not None:
            check_of_connection(cls.options, f"{cls.__name__}.options")

    def __init__(self, request: Request | None = None, /) -> None:
        """Make the handler, before the 101 is sent.

        A host that is given the class calls it with the request. A route that makes the handler
        itself may leave it out: this constructor does not look at it.

        Raises:
            Refuse: to answer with an ordinary HTTP response in place of the upgrade.
        """

    def init(self, ref: Ref[InfoT], /) -> ReturnedT_co:  # noqa: ARG002 - the contract names it
        """Begin: the connection is live. `ref` is its address, which may be kept and passed on."""
        return cast("ReturnedT_co", None)

    def handle_in(self, message: InT, /) -> ReturnedT_co:  # noqa: ARG002 - the contract names it
        """Take one complete message from the peer. A class without this method closes with 1003."""
        refused = UnsupportedData(f"{type(self).__name__} takes no messages (RFC 6455 §7.4.1)")
        return cast("ReturnedT_co", Stop(CloseCode.UNSUPPORTED_DATA, error=refused))

    def handle_control(self, frame: Ping | Pong, /) -> ReturnedT_co:  # noqa: ARG002 - as above
        """Take note of a ping or a pong. A ping has been answered already."""
        return cast("ReturnedT_co", None)

    def handle_info(self, info: InfoT, /) -> ReturnedT_co:
        """Take one info from inside the program.

        If a class lacks this method, an info that is a message is pushed to the peer.

        Raises:
            HandlerError: the class lacks this method, and the info is not a message.
        """
        if isinstance(info, MESSAGE_TYPES):
            return cast("ReturnedT_co", info)
        raise HandlerError(
            f"{type(self).__name__} has no handle_info, "
            f"and {type(info).__name__!r} is not a message that could be pushed"
        )

    def terminate(self, reason: Reason, /) -> None | Awaitable[None]:
        """End: called last and once. Nothing can be sent any more; the result is ignored."""


class TextSock(Sock[InfoT, str]):
    """A Sock that takes text only: a binary message closes with 1003.

    >>> class Shout(TextSock):
    ...     def handle_in(self, text: str) -> str:
    ...         return text.upper()
    >>> Shout(Request()).handle_in("hi")
    'HI'

    RFC 6455 §7.4.1.
    """

    accepts = (str,)


class BinarySock(Sock[InfoT, bytes]):
    """A Sock that takes binary only: a text message closes with 1003.

    >>> class Measure(BinarySock):
    ...     def handle_in(self, data: bytes) -> str:
    ...         return f"{len(data)} bytes"
    >>> Measure(Request()).handle_in(b"abc")
    '3 bytes'

    RFC 6455 §7.4.1.
    """

    accepts = (bytes,)
