"""The ordinary head of a handshake, read in one pass where that can be done in C.

The compiled core has a twin of this module (`core/server/scan.pyx`). The twin reads the heads that
browsers and clients usually send, and is stricter than the parser and `check_head`: it leaves every
other head to those two. In Python a second way would gain nothing, so this module leaves them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .head import Head


def scan(data: bytes) -> Head | None:  # noqa: ARG001 - the twin uses it
    """Return the head of an ordinary handshake, as `check_head` would; None for any other head.

    Args:
        data: the bytes of the head, with the empty line.
    """
    return None
