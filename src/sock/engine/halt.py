"""What is in a `Stop`, and how one that was raised is told apart from an exception."""

from __future__ import annotations

from typing import Any, cast

from sock.spec import Stop
from sock.spec.message import MESSAGE_TYPES


def messages_of(stop: Stop) -> Any:
    """Return the messages of a Stop as a sequence, if they are what they ought to be.

    >>> messages_of(Stop(messages="bye")), messages_of(Stop(messages=["a", "b"]))
    (('bye',), ['a', 'b'])
    """
    return (stop.messages,) if isinstance(stop.messages, MESSAGE_TYPES) else stop.messages


def taken(error: BaseException) -> Stop | None:
    """Return the Stop that was raised; None when this is another exception.

    A group of exceptions counts as its first Stop when all that is in it are Stops: so a Stop may
    be raised in a task group. What raising leaves on a Stop is dropped: a traceback keeps all
    frames that it went through, and so the connection, for as long as anybody keeps the Stop.

    >>> taken(ExceptionGroup("of a task group", [Stop(4001), Stop(4002)]))
    Stop(code=4001)
    >>> taken(LookupError())
    """
    stops = _stops(error)
    for stop in stops:
        stop.__traceback__ = stop.__context__ = stop.__cause__ = None
    return stops[0] if stops else None


def _stops(error: BaseException) -> list[Stop]:
    """Return the Stops in an exception; none when there is anything else in it."""
    if isinstance(error, Stop):
        return [error]
    if not isinstance(error, BaseExceptionGroup):
        return []
    group = cast("BaseExceptionGroup[BaseException]", error)
    found = [_stops(one) for one in group.exceptions]
    return [stop for stops in found for stop in stops] if all(found) else []
