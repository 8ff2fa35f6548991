"""Work that takes time. The host is given it, and reports its end."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from sock.spec import Message, Stop, Stream


class Role(Enum):
    """Whose work a job is."""

    CALLBACK = "a callback's"
    STREAM = "a stream's"
    TASK = "a spawned task's"
    TERMINATE = "terminate's"


# These are globals, because they are read for every job, and a member of an enum is slower.
CALLBACK: Final = Role.CALLBACK
STREAM: Final = Role.STREAM
TASK: Final = Role.TASK
TERMINATE: Final = Role.TERMINATE


@final
class Job:
    """Work that takes time: an awaitable, or an iterator whose items are pushed.

    The host starts it, once.

    Args:
        role: whose work it is.
        place: the name of the callback, for error texts and events.
        awaitable: is awaited; its result is the result of the callback.
        iterator: is exhausted instead of that; `Lifecycle.job_yielded` gets each item.
        stream: the stream that the iterator belongs to.
    """

    __slots__ = ("awaitable", "cancelled", "handle", "iterator", "place", "role", "since", "stream")

    def __init__(
        self,
        role: Role,
        place: str,
        *,
        awaitable: Awaitable[Any] | None = None,
        iterator: AsyncIterator[Message | Stop] | None = None,
        stream: Stream | None = None,
    ) -> None:
        self.role = role
        self.place = place
        self.awaitable = awaitable
        self.iterator = iterator
        self.stream = stream
        self.cancelled = False
        """Whether the life cycle has asked the host to cancel it, or to close its iterator."""
        self.handle: Any = None
        """For the host, which may keep a task here."""
        self.since: float = 0.0
        """When it was first found to take time, by the host's clock. Written by the host."""
