"""Whether the peer is still there, judged by received bytes only and by the host's coarse clock.

No timer is set for a message. The host stores the time of its turn in `heard` when bytes arrive,
and calls `check` at the time that `due` has returned before.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, final

NEVER: Final = float("inf")
"""A time that never comes, and that can be compared with other times."""


class Verdict(Enum):
    """The result of a check."""

    FINE = auto()
    PING = auto()
    DEAD = auto()


@final
class Keepalive:
    """The peer's deadlines.

        silence, while the host reads   verdict
        ------------------------------  -------------------------------------------
        under ping_interval             FINE
        ping_interval, and each again   PING
        idle_timeout                    DEAD
        any, while the host is holding  FINE: the clock stands still (rule 12)

    Args:
        idle_timeout: seconds within which bytes must be received; None for no limit.
        ping_interval: seconds of silence after which a ping goes out; None for never.
        now: seconds of a steady clock.
    """

    __slots__ = ("_held", "_idle_timeout", "_ping_interval", "_pinged", "heard")

    def __init__(self, idle_timeout: float | None, ping_interval: float | None, now: float) -> None:
        self._idle_timeout = idle_timeout
        self._ping_interval = ping_interval
        self.heard = now
        """When bytes were last received. Written by the host."""
        self._pinged = now
        self._held: float | None = None

    def hold(self, now: float) -> None:
        """Stop the clock: the host does not read."""
        if self._held is None:
            self._held = now

    def resume(self, now: float) -> None:
        """Start the clock again where it stopped."""
        if self._held is not None:
            still = now - self._held
            self.heard += still
            self._pinged += still
            self._held = None

    def check(self, now: float) -> Verdict:
        """Return what the host should do now. It is PING once in each interval."""
        if self._held is not None:
            return Verdict.FINE
        if self._idle_timeout is not None and now >= self.heard + self._idle_timeout:
            return Verdict.DEAD
        if (
            self._ping_interval is not None
            and now >= max(self.heard, self._pinged) + self._ping_interval
        ):
            self._pinged = now
            return Verdict.PING
        return Verdict.FINE

    def due(self) -> float:
        """Return when to check next; `NEVER` if there is no deadline."""
        due = NEVER
        if self._held is None:
            if self._ping_interval is not None:
                due = max(self.heard, self._pinged) + self._ping_interval
            if self._idle_timeout is not None:
                due = min(due, self.heard + self._idle_timeout)
        return due
