"""The ordinary head of a handshake, read in one pass where that can be done in C.

The compiled core has a twin of this (`core/server/scan.pyx`), which reads what browsers and clients
send, and is stricter than parser and check: what it does not understand at once is theirs. Python
would gain nothing, so nothing is ordinary here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .head import Head


def scan(data: bytes) -> Head | None:  # noqa: ARG001 - the twin reads it
    """Return what parser and `head.check` would, of an ordinary handshake; None for all else.

    Args:
        data: all of a head, the empty line included.
    """
    return None
