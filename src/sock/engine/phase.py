"""How far the life of a connection has come."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class Phase(Enum):
    """The states of `lifecycle`, whose table says what leads from one to the next."""

    MADE = auto()
    LIVE = auto()
    FINISHING = auto()
    ENDING = auto()
    LAST = auto()
    OVER = auto()


# A global is looked up faster than a member of an enum, and this is asked for every message.
MADE: Final = Phase.MADE
LIVE: Final = Phase.LIVE
FINISHING: Final = Phase.FINISHING
ENDING: Final = Phase.ENDING
LAST: Final = Phase.LAST
OVER: Final = Phase.OVER
