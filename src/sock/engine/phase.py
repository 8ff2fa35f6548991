"""How far the life of a connection has come."""

from __future__ import annotations

from enum import Enum, auto


class Phase(Enum):
    """The states of `lifecycle`, whose table says what leads from one to the next."""

    MADE = auto()
    LIVE = auto()
    FINISHING = auto()
    ENDING = auto()
    LAST = auto()
    OVER = auto()
