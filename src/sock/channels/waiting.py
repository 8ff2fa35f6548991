"""What waits for the channel of a topic, while something else is under way."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias, final

from .broadcaster import Intercepted
from .channel_ref import ToChannel
from .message import JOIN, LEAVE, Message

if TYPE_CHECKING:
    from collections.abc import Callable

Work: TypeAlias = Message | ToChannel | Intercepted
"""What comes for a topic."""


@final
class Waiting:
    """What waits, in the order in which it has come.

    Args:
        note: is told how many bytes more wait, or fewer.
    """

    __slots__ = ("_note", "_work")

    def __init__(self, note: Callable[[int], None]) -> None:
        self._note = note
        self._work: deque[Work] = deque()

    def __len__(self) -> int:
        return len(self._work)

    def put(self, work: Work) -> None:
        """Add something."""
        self._work.append(work)
        self._note(_size(work))

    def take(self) -> Work:
        """Remove the oldest, and return it. There has to be one."""
        work = self._work.popleft()
        self._note(-_size(work))
        return work

    def has(self, join: Message) -> bool:
        """Tell whether a join still waits."""
        return any(one is join for one in self._work)

    def keep_controls(self, until: Message | None = None) -> None:
        """Drop what waits in front of a join, except for other joins and leaves.

        Args:
            until: the join; None to drop all but these.
        """
        before = True
        for work in list(self._work):
            self._work.popleft()
            before = before and work is not until
            if before and not is_control(work):
                self._note(-_size(work))
            else:
                self._work.append(work)


def is_control(work: Work) -> bool:
    """Tell whether something is a join or a leave."""
    return isinstance(work, Message) and work.event in (JOIN, LEAVE)


def _size(work: Work) -> int:
    return len(work.payload) if isinstance(work, Message) else 0
