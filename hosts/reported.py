"""What is known about what falls: in servers without Sock, and in Sock's native hosts."""

from __future__ import annotations

from typing import Final

REPORTED: Final = (
    ("websockets", "2.24", "python-websockets/websockets#1246"),
    ("websockets", "2.25", "python-websockets/websockets#1246"),
    ("websockets", "2.26", "python-websockets/websockets#1246"),
    ("wsproto", "10.20", "python-hyper/wsproto#205"),
    ("hypercorn", "10.20", "python-hyper/wsproto#205"),
)
"""A part of the server's name, the number of the case, and where it was reported in public."""

KNOWN: Final = {
    ("uvicorn, native", "1.15"): (
        "uvicorn's HTTP compares Upgrade together with the spaces behind it, before Sock is asked"
    ),
}
"""The name of a native host and the number of a case: why it falls there all the same."""
