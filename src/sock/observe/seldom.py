"""Which lines are shown only once in a while: those that strangers can cause as often as they like.

An operator should see once that clients speak TLS to a plain port. Each scan of the internet would
write the same line again, so the later ones are for debugging, until an hour has passed.
"""

from __future__ import annotations

from typing import Final

_PERIOD: Final = 3600.0
"""Seconds in which a line is shown once."""

_shown: Final[dict[str, float]] = {}  # when the line of an event was shown last


def is_due(event: str, now: float) -> bool:
    """Tell whether the line of an event may be shown; then it is not due for an hour.

    Args:
        event: whose line it is.
        now: seconds of a clock that never goes back.

    >>> is_due("an.example", 5.0), is_due("an.example", 3604.0), is_due("an.example", 3605.0)
    (True, False, True)
    """
    if now - _shown.get(event, -_PERIOD) < _PERIOD:
        return False
    _shown[event] = now
    return True


def begin_again() -> None:
    """Let each line be shown once more, as the log of another server begins."""
    _shown.clear()
