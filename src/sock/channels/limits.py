"""What bounds the channels of one connection."""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_WAITING_BYTES: Final = 1 << 20
"""Bytes of payloads that wait for the channels of a connection; then it reads nothing more."""


class Limits(NamedTuple):
    """What bounds the channels of one connection."""

    max_channels: int = 100
    """Topics that a client may have joined on one connection."""
    max_waiting: int = 256
    """Events and infos that may wait for one channel."""
    join_timeout: float | None = 30.0
    """Seconds for which a join may take; None for no limit."""
