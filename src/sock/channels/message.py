"""What a frame of a client says: five fields, whichever serializer has read them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

Frame: TypeAlias = str | bytes
"""A whole WebSocket message: text, or a binary frame of the second version."""

JOIN: Final = "phx_join"
LEAVE: Final = "phx_leave"
REPLY: Final = "phx_reply"
CLOSE: Final = "phx_close"
ERROR: Final = "phx_error"
HEARTBEAT: Final = "heartbeat"
SYSTEM_TOPIC: Final = "phoenix"
"""The topic of heartbeats, which the socket answers itself."""


class Message(NamedTuple):
    """What a client has sent.

    The references are JSON values that the client chooses. They are given back as they came, and
    compared by `same_ref`.
    """

    join_ref: Any
    """Of the join to which this belongs; None if the client has not said."""
    ref: Any
    """For the reply; None for a client that wants none."""
    topic: Any
    """A `str`, if the client is in its right mind."""
    event: Any
    """As the topic."""
    payload: bytes
    """JSON, or the bytes of a binary payload."""
    binary: bool = False
    """Whether the payload is binary."""


class Broadcast(NamedTuple):
    """What was broadcast to a topic."""

    topic: str
    event: str
    payload: bytes
    """JSON, or the bytes of a binary payload."""
    binary: bool = False
    """Whether the payload is binary."""


def same_ref(one: Any, other: Any) -> bool:
    """Tell whether two references are the same, their types included.

    >>> same_ref("5", "5"), same_ref("5", 5), same_ref(0, False)
    (True, False, False)
    """
    return type(one) is type(other) and bool(one == other)
