"""The echo server under test: `python -m autobahn.server PORT [CERTIFICATE]`.

SOCK_REACTOR picks its reactor. With a certificate, a file that has its key too, it speaks TLS.
"""

from __future__ import annotations

import sys

import sock


class Echo(sock.Sock):
    """Sends every message back."""

    def handle_in(self, message: str | bytes, /) -> str | bytes:
        """Answer one message."""
        return message


if __name__ == "__main__":
    sock.run(
        Echo,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        tls=sock.TLS(sys.argv[2]) if len(sys.argv) > 2 else None,
        options=sock.Options(
            max_message_size=16 * 2**20,  # 9.1.6 and 9.2.6 send so much in one message
            max_fragments=70_000,  # 9.3.1 and 9.4.1 send one message in 65,536
            # The suite asks for all windows; without a threshold its smallest messages are
            # compressed as well.
            compression=sock.Compression(window=15, threshold=0),
        ),
    )
