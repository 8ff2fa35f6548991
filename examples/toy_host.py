"""A complete host in under 100 lines: TCP, one request, and then all of the contract.

    python -m examples.toy_host 8000        serves sock.testing.contract:app

It reads a request as a server does, asks the application, and gives the connection away: Sock has
the wire, the life cycle and the deadlines. See docs/howto/write-a-host.md.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from http import HTTPStatus
from typing import Any, cast

from sock import App, Host, Request, Response, Upgrade
from sock.hosting import asking
from sock.hosting.content import content_of, headers_of
from sock.hosting.members import Members
from sock.hosting.options import options_of_host
from sock.hosting.takeover import Takeover, take_from_transport
from sock.loop import Reactor
from sock.observe import log
from sock.testing import contract
from sock.wire import handshake

HOST = Host("toy")  # `request.host` of an application: this host declares nothing


class Toy(asyncio.Protocol):
    """One connection, from the first byte to the 101, or to an ordinary answer."""

    transport: asyncio.Transport

    def __init__(self, app: App) -> None:
        self.app, self.options, self.data = app, options_of_host(app, None), b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if b"\r\n\r\n" in self.data:
            self.transport.pause_reading()  # the bytes that follow belong to Sock
            self.task = asyncio.ensure_future(self.answer())

    async def answer(self) -> None:
        """Ask the application; hand over, or answer."""
        head, _, early = self.data.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ", 2)
        pairs = [field.partition(b":") for field in fields]
        headers = [(name, value.strip()) for name, _, value in pairs]
        request = Request(method, target, headers, http_version=version[5:], host=HOST)
        reactor = Reactor.of(asyncio.get_running_loop())

        def take(connect: Any) -> bytes:
            take_from_transport(reactor, self.transport, connect)
            return early

        takeover = Takeover(reactor, request, take)
        answer = await asking.ask_catching_errors(
            self.app,
            request,
            takeover.check_handshake,  # an invalid handshake is refused before a handler is made
            upgrading=handshake.asks_to_upgrade(request),
            options=self.options,
        )
        if not isinstance(answer, Upgrade):
            self.send(answer)
        elif (response := takeover.begin_or_respond(answer, self.options)) is not None:
            self.send(response)

    def send(self, response: Response) -> None:
        """Give an ordinary answer, and close."""
        content = content_of(response)
        fields = [*headers_of(response), ("Content-Length", len(content)), ("Connection", "close")]
        lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in fields]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + content)
        self.transport.close()


async def main(app: App, port: int) -> None:
    """Serve until SIGTERM; then say 1012 to all."""
    log.attach()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Toy(app), "127.0.0.1", port)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    server.close()
    await Members.of(loop).drain(30)


if __name__ == "__main__":
    asyncio.run(main(contract.app, int(sys.argv[1])))
