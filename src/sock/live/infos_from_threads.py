"""The infos that other threads send to one connection, counted so that none is lost unnoticed.

    a thread that sends                       the thread of the connection's event loop
    ----------------------------------------  ------------------------------------------------------
    takes a ticket, the number of its info    counts the infos that it has admitted
    finds the two less than max_mailbox       admits the info: it goes into the mailbox
    apart, and sends the info
    finds them further apart, closes the      admits what was sent before that, then ends the
    ref, and sends OVERFLOW in its place      connection with 1013
    sends nothing more: the ref is closed

Each of the two numbers is written by one side only, and neither ever decreases. So the infos of a
thread arrive in order until the connection ends: no info is left out while a later one is taken.
No lock is held while an info is sent, because a finalizer or a signal handler may interrupt a
`send`, and call `send` itself.
"""

from __future__ import annotations

import itertools
from enum import Enum, auto
from typing import Final, final


class Instead(Enum):
    """What a thread sends when it may not send its info."""

    OVERFLOW = auto()


OVERFLOW: Final = Instead.OVERFLOW
"""More infos wait than may: the connection is to end."""


@final
class InfoCount:
    """Counts the infos that other threads have sent, and those that the event loop has admitted.

    Args:
        limit: infos that may have been sent and not admitted (`max_mailbox`); None for no limit.
    """

    __slots__ = ("_limit", "_tickets", "admitted")

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        # `next` of this is one step: no two threads get the same number, and no number is left out.
        self._tickets = itertools.count()
        self.admitted = 0
        """The infos that the event loop has admitted. Written in its thread only."""

    def take_place(self) -> bool:
        """Count one more info; return False if there is no place for it any more."""
        ticket = next(self._tickets)
        return self._limit is None or ticket - self.admitted < self._limit
