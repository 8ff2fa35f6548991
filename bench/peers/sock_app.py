"""The application of Sock's own peers.

It echoes; with a callback that is a coroutine on /async, with values on /json; on /fanout each
message goes to every ref.
"""

from __future__ import annotations

import sock


class Echo(sock.Sock):
    """Sends every message back."""

    def handle_in(self, message: str | bytes, /) -> str | bytes:
        """Answer one message."""
        return message


class AsyncEcho(sock.Sock):
    """Sends every message back, from a coroutine that does not suspend."""

    async def handle_in(self, message: str | bytes, /) -> str | bytes:
        """Answer one message."""
        return message


everybody: dict[sock.Ref[sock.Prepared], None] = {}


class Fanout(sock.TextSock[sock.Prepared]):
    """Sends every message to everybody; an info that is a message is pushed as it is."""

    def init(self, ref: sock.Ref[sock.Prepared], /) -> None:
        """Join."""
        self.ref = ref
        everybody[ref] = None

    def handle_in(self, message: str, /) -> None:
        """Copy one message to everybody."""
        prepared = sock.Prepared(message)
        for ref in everybody:
            ref.send(prepared)

    def terminate(self, _: sock.Reason, /) -> None:
        """Leave."""
        everybody.pop(self.ref, None)


def app(request: sock.Request) -> sock.Answer:
    """Answer by path."""
    match request.path:
        case "/":
            return Echo(request)
        case "/async":
            return AsyncEcho(request)
        case "/json":
            from sock_json import JsonEcho  # needs msgspec, and the other ways do not

            return JsonEcho(request)
        case "/fanout":
            return Fanout(request)
        case _:
            return sock.Response(404)
