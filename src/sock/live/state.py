"""The states of a live connection.

`link.py` and `bridge.py` each begin with the table that says what leads from one state to the next.
The state is that of the conversation with the peer. How far the handler's life has come is the
`Phase` of the life cycle, which has a table of its own.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class State(Enum):
    """Whether the connection reads from its peer, and whether it may still send."""

    OPEN = auto()
    """It reads, and it sends."""
    HELD = auto()
    """It does not read because the life cycle takes nothing more for now."""
    BEHIND = auto()
    """It does not read because its last turn was too long; messages are left for the next one."""
    CLOSE_SENT = auto()
    """Our Close frame is on its way: nothing is sent after it. Only the peer's Close is awaited."""
    LOST = auto()
    """The peer cannot be reached any more: nothing is sent, and nothing comes."""


# A global is looked up faster than a member of an enum, and a bridge asks for every message.
OPEN: Final = State.OPEN
HELD: Final = State.HELD
BEHIND: Final = State.BEHIND
CLOSE_SENT: Final = State.CLOSE_SENT
LOST: Final = State.LOST
