"""The application that every host serves: that of the contract, or an echo.

The echo is for the Autobahn suite and for the cases of the wire.

The variable `SOCK_HOSTS_APP` says which: "contract" or "echo". ASGI servers take `asgi` from here;
hosts with an adapter of their own take `app` and `options`.
"""

from __future__ import annotations

import os

import sock
from sock.testing import contract


class Echo(sock.Sock):
    """Sends every message back."""

    def handle_in(self, message: str | bytes, /) -> str | bytes:
        """Return the message."""
        return message


if os.environ.get("SOCK_HOSTS_APP") == "echo":
    app: sock.App = Echo
    options = sock.Options(max_message_size=16 * 2**20, max_fragments=70_000, compression=True)
else:
    app = contract.app
    options = sock.Options()

asgi = sock.asgi(app, options=options)
