"""What a subscriber is told when messages may have been lost, and the error of a lost backend."""

from __future__ import annotations

from dataclasses import dataclass

from sock.spec import SockError


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of a topic may have been lost: a `handle_info` that asked for gaps gets this.

    It comes before the first message behind the hole.

    Args:
        topic: whose messages are missing.

    >>> Gap("room:7")
    Gap(topic='room:7')
    """

    topic: str


class BackendDown(SockError):
    """A message could not be given to the other processes: the backend is away.

    The subscribers of this process have got it. Whether others have is not known.
    """
