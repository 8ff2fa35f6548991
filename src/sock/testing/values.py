"""The values of a `JsonSock`, as its peer in a test sends and receives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sock.spec import Text
from sock.spec.message import MESSAGE_TYPES
from sock.spec.wrapper import inner_class
from sock.typed import JsonSock
from sock.typed.json_sock import coding_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import Message, Sock
    from sock.typed.coding import Coding


def as_message(handler: Sock[Any, Any, Any], value: Any) -> Message:
    """Return a value that the handler takes, as a message; a message stays what it is.

    Raises:
        TypeError: the handler is no `JsonSock`, or the value is not of the type.
    """
    if isinstance(value, MESSAGE_TYPES):
        return cast("Message", value)
    return Text(_coding(handler, f"{type(value).__name__!r} is no message").incoming.encode(value))


def decoder_of(handler: Sock[Any, Any, Any]) -> Callable[[str | bytes], Any]:
    """Return a function that turns a message of the handler into the value that it stands for.

    The function raises InvalidMessage if the message is not of the type.

    Raises:
        TypeError: the handler is no `JsonSock`.
    """
    return _coding(handler, "pushed() has the messages").outgoing.decode


def _coding(handler: Sock[Any, Any, Any], otherwise: str) -> Coding:
    kind = inner_class(handler)
    if not issubclass(kind, JsonSock):
        raise TypeError(
            f"{kind.__qualname__} is no JsonSock, whose messages are values: {otherwise}"
        )
    return coding_of(kind)
