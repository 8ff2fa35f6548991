"""How fast the messages of one peer may come, without a clock of its own.

a message comes              the limit says       what the host does
---------------------------  -------------------  ------------------------------------------------
within the limit             either               handles it
beyond it                    to wait              handles it, and then reads nothing for some time
beyond it                    to close             does not handle it, and ends with 1008
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from sock.spec import RateExceeded

from .token_bucket import TokenBucket

if TYPE_CHECKING:
    from sock.spec import RateLimit


@final
class Throttle:
    """Counts what one peer sends against its limit.

    Args:
        limit: of this connection.
        now: seconds of a steady clock.
    """

    __slots__ = ("_bytes", "_limit", "_messages", "closes")

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._limit = limit
        self._messages = _bucket(limit.messages, limit.burst, now)
        self._bytes = _bucket(limit.bytes, limit.burst, now)
        self.closes = limit.close
        """Whether a peer that is too fast is sent away, and not held back."""

    def take(self, size: int, now: float) -> float:
        """Count a message or a control frame.

        Args:
            size: bytes of its payload.
            now: seconds of the clock.

        Returns:
            For how many seconds nothing more may be read; 0 within the limit.
        """
        wait = 0.0
        if self._messages is not None:
            wait = self._messages.spend(1, now)
        if self._bytes is not None:
            wait = max(wait, self._bytes.spend(size, now))
        return wait

    def exceeded(self) -> RateExceeded:
        """Return the error of a peer that is sent away."""
        return RateExceeded(f"more than {self._limit.in_words()} (RFC 6455 §7.4.1)")


def _bucket(rate: float | None, burst: float, now: float) -> TokenBucket | None:
    return None if rate is None else TokenBucket(rate, max(1.0, rate * burst), now)
