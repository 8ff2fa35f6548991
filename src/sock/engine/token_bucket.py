"""A token bucket: so many a second on average, and some more at once. It has no clock."""

from __future__ import annotations

from typing import final


@final
class TokenBucket:
    """Tokens that come at a rate, up to a capacity. It begins full.

    Args:
        rate: tokens a second.
        capacity: the most that it holds.
        now: seconds of a steady clock.

    >>> bucket = TokenBucket(rate=2, capacity=1, now=0)
    >>> bucket.take(now=0), bucket.take(now=0.1), bucket.wait(now=0.1), bucket.take(now=0.5)
    (True, False, 0.4, True)
    """

    __slots__ = ("_at", "_capacity", "_rate", "_tokens")

    def __init__(self, rate: float, capacity: float, now: float) -> None:
        self._rate = rate
        self._capacity = capacity
        self._tokens = capacity
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token; tell whether there was one."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait(self, now: float) -> float:
        """Return how many seconds it is until there is a token."""
        self._fill(now)
        return max(0.0, (1 - self._tokens) / self._rate)

    def spend(self, tokens: float, now: float) -> float:
        """Take tokens, also if there are fewer.

        Returns:
            How many seconds it is until those have come that were taken too early; 0 for none.

        >>> bucket = TokenBucket(rate=2, capacity=1, now=0)
        >>> bucket.spend(1, now=0), bucket.spend(1, now=0), bucket.spend(1, now=1)
        (0.0, 0.5, 0.0)
        """
        self._fill(now)
        self._tokens -= tokens
        return max(0.0, -self._tokens / self._rate)

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._tokens = min(self._capacity, self._tokens + passed * self._rate)
        self._at = max(now, self._at)
