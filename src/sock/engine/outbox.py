"""The bound on the bytes that wait for the peer, and on the time in which it takes none of them.

The host has the bytes themselves. This module only decides how many are too many, and how long is
too long.
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
        """Messages that were dropped because the peer was gone."""
        self._since: float | None = None
        self._taken = 0

    def update(self, pending: int) -> bool:
        """Note how many bytes are pending; return whether `full` has changed."""
        full = self.full
        if self.limit is not None and pending > self.limit:
            self.full = True
        elif pending == 0:
            self.full = False
        return self.full is not full

    def due(self, now: float, pending: int, taken: int) -> float:
        """Return the time at which the peer counts as too slow; `NEVER` while nothing is pending.

        Args:
            now: seconds of a steady clock.
            pending: bytes that wait for the peer.
            taken: bytes that the peer has taken so far; a higher count is progress.
        """
        if self.timeout is None or not pending:
            self._since = None
            return NEVER
        if self._since is None or taken != self._taken:
            self._since = now
            self._taken = taken
        return self._since + self.timeout
