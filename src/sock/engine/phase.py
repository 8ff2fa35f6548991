"""The phases in the life of a connection."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class Phase(Enum):
    """The states in the table of `lifecycle`, which says what leads from one to the next."""

    MADE = auto()
    LIVE = auto()
    FINISHING = auto()
    ENDING = auto()
    TERMINATING = auto()
    OVER = auto()


# These are globals, because they are read for every message, and a member of an enum is slower.
MADE: Final = Phase.MADE
LIVE: Final = Phase.LIVE
FINISHING: Final = Phase.FINISHING
ENDING: Final = Phase.ENDING
TERMINATING: Final = Phase.TERMINATING
OVER: Final = Phase.OVER
