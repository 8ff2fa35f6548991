"""Sock on uvloop, as it comes: its limits, its keepalive, its checks."""

from __future__ import annotations

import sys

import sock


class Echo(sock.Sock):
    """Sends back what comes."""

    def handle_in(self, message: str | bytes, /) -> str | bytes:
        """Answer one message."""
        return message


sock.run(Echo, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop")
