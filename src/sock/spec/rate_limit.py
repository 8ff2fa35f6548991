"""How fast the messages of one peer may come."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, final

LEAST_BURST: Final = 1.0
"""Seconds. Hosts look at deadlines in tenths of a second, so less could not be kept evenly."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How many messages and bytes a peer may send in a second, on average.

    The message with which a peer goes beyond it is still handled. Then the host reads nothing until
    the average is kept again: TCP holds the peer back, and nothing is lost. Meanwhile the host sees
    neither pings nor a Close. With `close`, that message ends the connection.

    Args:
        messages: messages, pings and pongs in a second; None for any number.
        bytes: bytes of their payloads in a second, inflated; None for any number.
        burst: seconds whose messages and bytes may come at once, after a silence; at least 1, and
            at least one message.
        close: whether a peer that sends more is sent away with 1008.

    Raises:
        ValueError: a value is out of its range, or neither messages nor bytes are limited.
        TypeError: a value has the wrong type.

    >>> RateLimit(messages=100, burst=5).in_words()
    '100 messages a second, those of 5 s at once'
    """

    messages: float | None = None
    bytes: float | None = None
    burst: float = 10.0
    close: bool = False

    def __post_init__(self) -> None:
        if self.messages is None and self.bytes is None:
            raise ValueError("a RateLimit limits messages, bytes or both")
        for name in ("messages", "bytes", "burst"):
            value = getattr(self, name)
            if value is None and name != "burst":
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} is a number, not {value!r}")
            if not value > 0 or not isfinite(value):  # this way round NaN is refused too
                raise ValueError(f"{name} is more than 0 and finite, not {value!r}")
        if self.burst < LEAST_BURST:
            raise ValueError(f"burst is at least {LEAST_BURST:g} s, not {self.burst!r}")
        close: Any = self.close
        if not isinstance(close, bool):
            raise TypeError(f"close is a bool, not {close!r}")

    def in_words(self) -> str:
        """Return the limit as a text."""
        named = (("messages", self.messages), ("bytes", self.bytes))
        rates = " and ".join(f"{rate:g} {name}" for name, rate in named if rate is not None)
        return f"{rates} a second, those of {self.burst:g} s at once"
