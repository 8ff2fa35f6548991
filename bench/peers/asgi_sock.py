"""The same echo as a Sock, for every server that takes an ASGI application."""

from __future__ import annotations

import sock


class Echo(sock.Sock):
    """Sends every message back."""

    def handle_in(self, message: str | bytes, /) -> str | bytes:
        """Answer one message."""
        return message


echo = sock.asgi(Echo)
