"""A host that gives its socket away: from the 101 on, the connection is Sock's.

    python -m examples.hosts.takeover 8000        serves sock.testing.contract:app

It reads a request as a server does, asks the application, and gives the connection away. Sock has
the wire, the life cycle and the deadlines. See docs/howto/write-a-host.md.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from examples.hosts.http import LIMITS, HttpConnection, serve
from sock import Request, Response
from sock.hosting.asking import ask_catching_errors
from sock.hosting.limit import host_with
from sock.hosting.takeover import Takeover, take_from_transport
from sock.loop import Reactor
from sock.testing import contract
from sock.wire import handshake


class TakeoverHost(HttpConnection):
    """One connection, up to the moment at which it is given away."""

    host = host_with("an example of a takeover", LIMITS)

    async def answer(self, request: Request) -> None:
        """Ask the application, and respond or give the socket away."""
        reactor = Reactor.of(self.loop)

        def hand_over(connect: Any) -> bytes:
            self.transport.pause_reading()
            take_from_transport(reactor, self.transport, connect)
            return self.data

        takeover = Takeover(reactor, request, hand_over)
        answer = await ask_catching_errors(
            self.app,
            request,
            takeover.check_handshake,  # an invalid handshake is refused before a handler is made
            upgrading=handshake.asks_to_upgrade(request),
            options=self.options,
        )
        if isinstance(answer, Response):
            self.respond(answer)
        elif (response := takeover.begin_or_respond(answer, self.options)) is not None:
            self.respond(response)


if __name__ == "__main__":
    asyncio.run(serve(TakeoverHost, contract.app, int(sys.argv[1])))
