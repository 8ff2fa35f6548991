"""The events of a class of channels: which method takes which, and with which payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from .payload_type import PayloadType, annotation_of

if TYPE_CHECKING:
    from collections.abc import Callable

MethodT = TypeVar("MethodT", bound="Callable[..., Any]")

_ON: Final = "_sock_channel_on"
_INTERCEPT: Final = "_sock_channel_intercept"
RESERVED: Final = "phx_"
"""Events that begin so belong to the protocol."""


def on(event: str, /) -> Callable[[MethodT], MethodT]:
    """Have a method of a channel take an event that clients push.

    The annotation of its parameter says what the payload is decoded into. What the method returns
    is the response of an "ok" reply; None is no reply. It raises `ReplyError` for an "error"
    reply, and returns or raises `Stop` to end the channel. It is a plain function or a coroutine.

    Args:
        event: its name.

    Raises:
        TypeError: the event is no `str`.
        ValueError: it is one of the protocol's own.
    """
    return _marked(_ON, event)


def intercept(event: str, /) -> Callable[[MethodT], MethodT]:
    """Have a method take an event that is broadcast, in place of the client.

    The client gets what the method pushes. Every other event of a broadcast goes to the client
    without waking the channel.

    Args:
        event: its name.

    Raises:
        TypeError: the event is no `str`.
        ValueError: it is one of the protocol's own.
    """
    return _marked(_INTERCEPT, event)


@final
class Handler:
    """A method of a class of channels that takes an event.

    Args:
        owner: the class.
        name: of the method.

    Raises:
        NameError: the annotation of its payload has a name that is not defined.
        TypeError: the payload cannot be told from JSON.
    """

    __slots__ = ("name", "payload")

    def __init__(self, owner: type, name: str) -> None:
        self.name = name
        """Of the method."""
        self.payload = _payload_type(owner, name, 1)
        """Decodes the payload."""


@final
class Events:
    """What a class of channels takes. Made once for each class.

    Args:
        kind: the class.

    Raises:
        NameError: the annotation of a payload has a name that is not defined.
        TypeError: a payload cannot be told from JSON.
    """

    __slots__ = ("intercepted", "params", "pushed")

    def __init__(self, kind: type) -> None:
        self.pushed = {event: Handler(kind, name) for event, name in _names(kind, _ON)}
        """The handlers of the events that clients push."""
        self.intercepted = {event: Handler(kind, name) for event, name in _names(kind, _INTERCEPT)}
        """The handlers of the events that are broadcast."""
        self.params = _payload_type(kind, "join", 2)
        """Decodes the parameters of a join."""


def _payload_type(owner: type, name: str, place: int) -> PayloadType:
    try:
        return PayloadType(annotation_of(getattr(owner, name), place))
    except NameError as error:
        raise NameError(
            f"{owner.__qualname__}.{name}: {error}. The type of a payload is needed at run time, so"
            " import it outside of TYPE_CHECKING",
            name=error.name,
        ) from error


def _marked(mark: str, event: object) -> Callable[[MethodT], MethodT]:
    if not isinstance(event, str):
        hint = ": @on('new_msg')" if callable(event) else ""
        raise TypeError(f"an event is a str, not {event!r}{hint}")
    if event.startswith(RESERVED):
        raise ValueError(f"{event!r} is an event of the protocol itself")

    def mark_method(method: MethodT) -> MethodT:
        setattr(method, mark, (*getattr(method, mark, ()), event))
        return method

    return mark_method


def _names(kind: type, mark: str) -> list[tuple[str, str]]:
    """Return the events with the names of their methods; those of a subclass come last."""
    return [
        (event, name)
        for one in reversed(kind.__mro__)
        for name, method in vars(one).items()
        for event in getattr(method, mark, ())
    ]
