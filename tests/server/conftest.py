"""A server on loopback, and a client that sends the bytes a test says."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import sock
from sock import telemetry
from sock.wire.parser import Parser
from sock.wire.writer import Writer


@dataclass
class Got:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """The other end: a client without manners."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._events: list[Any] = []
        self._parser = Parser(max_message_size=None, max_fragments=None, masked=False)
        self._wire = Writer(mask=lambda: b"mask")

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def finish(self) -> None:
        """Send FIN; go on reading."""
        self.writer.write_eof()

    async def answer(self, *, to_head: bool = False) -> Got:
        """Return the next answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")[:-2]
        assert re.fullmatch(r"HTTP/1\.1 \d{3} .*", line), line
        status = int(line[9:12])
        headers = {
            name.lower(): value for name, _, value in (field.partition(": ") for field in fields)
        }
        length = 0 if to_head else int(headers.get("content-length", "0"))
        return Got(status, headers, await self.reader.readexactly(length))

    async def rest(self) -> bytes:
        """Return what comes until FIN; a reset is an error."""
        return await self.reader.read()

    async def over(self) -> bool:
        """Wait until the server has ended the connection, by FIN or by a reset."""
        with contextlib.suppress(ConnectionResetError):
            await self.reader.read()
        return True

    def push(self, *messages: Any) -> None:
        """Send WebSocket messages."""
        out = bytearray()
        for message in messages:
            self._wire.push(out, message)
        self.writer.write(bytes(out))

    def frames(self, *messages: Any) -> bytes:
        out = bytearray()
        for message in messages:
            self._wire.push(out, message)
        return bytes(out)

    def say_close(self, code: int = 1000) -> None:
        out = bytearray()
        self._wire.close(out, code, "")
        self.writer.write(bytes(out))

    async def next(self) -> Any:
        """Return the next WebSocket message or frame, or None at the end."""
        while not self._events:
            data = await self.reader.read(65536)
            if not data:
                return None
            self._parser.feed(data, lambda event: self._events.append(event) or True)
        return self._events.pop(0)

    def hang_up(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()


async def _connect(server: sock.server.Server, **options: Any) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", server.port, **options))


@pytest.fixture
def connect() -> Callable[..., Awaitable[Client]]:
    """Connect a client to a server."""
    return _connect


@pytest.fixture
def exchange(run_async) -> Callable[..., bytes]:
    """Send bytes to a server, and return all it says until it ends the connection."""

    def exchange(app, data: bytes, *, finish: bool = False, **options: Any) -> bytes:
        async def act():
            async with (
                sock.serve(app, options=sock.Options(**options)) as server,
                await _connect(server) as client,
            ):
                client.send(data)
                if finish:
                    client.finish()
                return await client.rest()

        return run_async(act())

    return exchange


@pytest.fixture
def told() -> Iterator[Callable[[str], asyncio.Event]]:
    """Give an event that is set when telemetry tells of one."""
    ends = []

    def told(name: str) -> asyncio.Event:
        heard = asyncio.Event()
        ends.append(telemetry.subscribe(lambda event, _: heard.set() if event == name else None))
        return heard

    yield told
    for end in ends:
        end()


@pytest.fixture
def ipv6() -> None:
    """Skip the test on a machine without IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
