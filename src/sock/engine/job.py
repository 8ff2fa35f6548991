"""Work that takes time: handed to the host, and watched until it is reported."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from sock.spec import Message, Stop, Stream


class Role(Enum):
    """Whose work a job is."""

    CALLBACK = "a callback's"
    STREAM = "a stream's"
    TASK = "a spawned task's"
    TERMINATE = "terminate's"


@final
class Job:
    """Work that takes time: an awaitable, or an iterator whose items are pushed.

    Started once, by the host.

    Args:
        role: whose work it is.
        place: the callback's name, for messages.
        awaitable: to be awaited; its result is a result of the callback.
        iterator: to be exhausted in place of that; each item is given to `Lifecycle.yielded`.
        stream: the stream that the iterator belongs to.
    """

    __slots__ = ("awaitable", "cancelled", "handle", "iterator", "place", "role", "stream")

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
        """Set by the life cycle when it has asked the host to cancel it."""
        self.handle: Any = None
        """The host's own, such as a task."""
