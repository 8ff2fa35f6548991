"""Everything comes back.

    sock run examples.echo:Echo

A Sock class is an application by itself: any callable from a request to an answer is one.
"""

from __future__ import annotations

from sock import Sock


class Echo(Sock):
    """Returns what it gets; what a callback returns is sent."""

    def handle_in(self, message: str | bytes) -> str | bytes:
        return message
