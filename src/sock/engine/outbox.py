"""The bound on what waits to be sent, and the peer that takes nothing of it.

The bytes themselves are the host's. Here is only how much of them is too much, and for how long.
"""

from __future__ import annotations

from typing import final

from .keepalive import NEVER


@final
class Outbox:
    """Whether the peer keeps up.

        pending          full is    so the connection
        ---------------  ---------  ---------------------------------------------
        up to the limit  unchanged  goes on as it is
        over the limit   true       neither reads nor takes from its mailbox
        0                false      goes on

    Args:
        limit: bytes that may be pending (`max_send_buffer`); None for no limit.
        timeout: seconds for which a peer may take nothing of what is pending (`send_timeout`); None
            for ever.
    """

    __slots__ = ("_since", "_taken", "dropped", "full", "limit", "timeout")

    def __init__(self, limit: int | None, timeout: float | None) -> None:
        self.limit = limit
        self.timeout = timeout
        self.full = False
        self.dropped = 0
        """Messages pushed to a peer that had gone."""
        self._since: float | None = None
        self._taken = 0

    def level(self, pending: int) -> bool:
        """Take note of how many bytes are pending; tell whether `full` has changed."""
        full = self.full
        if self.limit is not None and pending > self.limit:
            self.full = True
        elif pending == 0:
            self.full = False
        return self.full is not full

    def due(self, now: float, pending: int, taken: int) -> float:
        """Return when the peer will have been too slow; `NEVER` while nothing is pending.

        Args:
            now: seconds of a steady clock.
            pending: bytes that wait.
            taken: bytes taken so far, a count that shows progress.
        """
        if self.timeout is None or not pending:
            self._since = None
            return NEVER
        if self._since is None or taken != self._taken:
            self._since = now
            self._taken = taken
        return self._since + self.timeout
