"""The messages of a `Stop`, and how a raised `Stop` is told from other exceptions."""

from __future__ import annotations

from typing import Any, cast

from .message import MESSAGE_TYPES
from .result import Stop


def messages_of(stop: Stop) -> Any:
    """Return the messages of a Stop as a sequence, or any other object that was given as them.

    >>> messages_of(Stop(messages="bye")), messages_of(Stop(messages=["a", "b"]))
    (('bye',), ['a', 'b'])
    """
    return (stop.messages,) if isinstance(stop.messages, MESSAGE_TYPES) else stop.messages


def stop_in(error: BaseException) -> Stop | None:
    """Return the Stop that was raised; None if this is another exception.

    If an exception group has nothing but Stops in it, its first Stop counts, so a Stop may be
    raised in a task group. The traceback is removed from the Stop: it would keep all its frames
    alive, and so the connection, for as long as anybody keeps the Stop.

    >>> stop_in(ExceptionGroup("of a task group", [Stop(4001), Stop(4002)]))
    Stop(code=4001)
    >>> stop_in(LookupError())
    """
    stops = _stops(error)
    for stop in stops:
        stop.__traceback__ = stop.__context__ = stop.__cause__ = None
    return stops[0] if stops else None


def _stops(error: BaseException) -> list[Stop]:
    """Return the Stops in an exception; an empty list if there is anything else in it."""
    if isinstance(error, Stop):
        return [error]
    if not isinstance(error, BaseExceptionGroup):
        return []
    group = cast("BaseExceptionGroup[BaseException]", error)
    found = [_stops(one) for one in group.exceptions]
    return [stop for stops in found for stop in stops] if all(found) else []
