"""How long to wait before a broker is tried again: full jitter, 0.1 s doubling to 5 s."""

from __future__ import annotations

import random
from typing import Final, final

FIRST: Final = 0.1
"""Seconds within which a broker is tried again for the first time."""

LONGEST: Final = 5.0
"""Seconds within which it is tried again in the end."""


@final
class Backoff:
    """The pauses between attempts. All of many processes come back at different times."""

    def __init__(self) -> None:
        self._within = FIRST

    def pause(self) -> float:
        """Return the seconds until the next attempt."""
        within, self._within = self._within, min(2 * self._within, LONGEST)
        return random.uniform(0, within)  # noqa: S311 - it spreads, and is no secret

    def reset(self) -> None:
        """Begin again: an attempt has succeeded."""
        self._within = FIRST
