"""The ordinary head of a handshake, read in one pass where that can be done in C.

The compiled core has a twin of this (`core/server/scan.pyx`), which reads what browsers and clients
send without a regular expression. Python would gain nothing, so nothing is ordinary here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .head import Head


def scan(data: bytes) -> Head | None:  # noqa: ARG001 - the twin reads it
    """Return what `head.check` would, of an ordinary head; None where it is for that to say.

    Args:
        data: all of a head, the empty line included; the parser has found it to be one.
    """
    return None
