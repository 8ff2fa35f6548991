"""HTTP for the hosts of this folder that listen themselves: one request of a connection.

It lacks what a server needs besides: it limits neither the size of a head nor the time that a peer
takes to send one, it reads no bodies, and it enters no lifespan ([S19.4]).
"""

from __future__ import annotations

import asyncio
import signal
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from sock import App, Host, Request, Response
from sock.hosting.content import content_of, headers_of
from sock.hosting.limit import Limit
from sock.hosting.members import Members
from sock.hosting.options import options_of_host
from sock.observe import log

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DATA: Final = 65536
LIMITS: Final = (
    Limit("heads", ("S14.3", "S14.12", "S17.2"), "heads have no limits, and are hardly checked"),
    Limit("requests", ("S13.9", "S19.9"), "an ordinary request has no body"),
    Limit("lifespan", ("S19.4", "S19.5", "S19.6", "S19.10", "S19.11"), "no lifespan is entered"),
)


class HttpConnection(asyncio.Protocol):
    """A TCP connection from its first byte to its response, or to its upgrade."""

    host: Host
    transport: asyncio.Transport
    task: asyncio.Task[None] | None = None

    def __init__(self, app: App) -> None:
        self.app, self.options, self.data = app, options_of_host(app, None), b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.task is None and b"\r\n\r\n" in self.data:
            head, _, self.data = self.data.partition(b"\r\n\r\n")
            line, *fields = head.split(b"\r\n")
            method, target, version = line.decode("latin-1").split(" ", 2)
            pairs = [field.partition(b":")[::2] for field in fields]
            headers = [(name, value.strip()) for name, value in pairs]
            request = Request(method, target, headers, http_version=version[5:], host=self.host)
            self.task = asyncio.ensure_future(self.answer(request))
        elif len(self.data) > MAX_DATA:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.task is not None:
            self.task.cancel()  # the application is asked no longer: nobody waits for its answer

    async def answer(self, request: Request) -> None:
        """Ask the application, and respond or go live. What follows the head is in `data`."""
        raise NotImplementedError

    def respond(self, response: Response) -> None:
        """Give an ordinary response, and close."""
        body = content_of(response)
        fields = [*headers_of(response), ("Content-Length", len(body)), ("Connection", "close")]
        lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in fields]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()


async def serve(host: Callable[[App], asyncio.Protocol], app: App, port: int) -> None:
    """Serve until SIGTERM; then say 1012 to all, and 503 to those who come meanwhile."""
    log.attach()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: host(app), "127.0.0.1", port)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await Members.of(loop).drain(options_of_host(app, None).drain_timeout)
    server.close()
