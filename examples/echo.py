"""An echo: every message is sent back.

    sock run examples.echo:Echo

An application is any callable that takes a request and returns an answer. A Sock class is one.
"""

from __future__ import annotations

from sock import Sock


class Echo(Sock):
    """Returns each message that it gets; what a callback returns is sent."""

    def handle_in(self, message: str | bytes) -> str | bytes:
        return message
