"""Our server, which holds all cases, and one that checks nothing, which must fall."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

import sock
from sock.testing.wire import Target, run_cases, try_case
from sock.wire.key import accept_token
from sock.wire.mask import unmask

OPTIONS = sock.Options(compression=True, handshake_timeout=2.5)


class Echo(sock.Sock):
    def handle_in(self, message):
        return message


class Naive:
    """A server that answers what is right, and checks nothing. A test breaks it in one more way."""

    extra = b""  # more fields of the 101
    greeting = b""  # bytes behind the 101

    def token(self, key: str) -> bytes:
        return accept_token(key)

    def status(self, head: bytes) -> int:
        return 101

    def answers(self, first: int, payload: bytes) -> list[bytes]:
        """Return the frames that answer one frame."""
        opcode = first & 0x0F
        if opcode == 9:
            return [frame_of(0x8A, payload)]
        if opcode == 10:
            return []
        return [frame_of(first, payload)]

    def begins(self) -> bool:
        """Tell whether another connection is served."""
        return True

    async def __call__(self, reader, writer) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ValueError):
            if not self.begins():
                return
            head = await reader.readuntil(b"\r\n\r\n")
            status = self.status(head)
            lines = head.decode("latin-1").split("\r\n")[1:]
            pairs = [line.partition(":") for line in lines]
            fields = {name.lower(): value.strip() for name, _, value in pairs}
            token = self.token(fields.get("sec-websocket-key", ""))
            writer.write(
                b"HTTP/1.1 %d Here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" % status
                + b"Sec-WebSocket-Accept: "
                + token
                + b"\r\n"
                + self.fields(fields)
                + b"\r\n"
                + self.greeting
            )
            while True:
                first, second = await reader.readexactly(2)
                size = second & 0x7F
                if size > 125:
                    size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
                key = await reader.readexactly(4) if second & 0x80 else bytes(4)
                payload = unmask(await reader.readexactly(size), key)
                for answer in self.answers(first, payload):
                    writer.write(answer)
                if first & 0x0F == 8:
                    return
        with contextlib.suppress(ConnectionError):
            writer.close()

    def fields(self, fields: dict[str, str]) -> bytes:
        return self.extra


def frame_of(first: int, payload: bytes) -> bytes:
    """Return a frame of a server, with any first byte."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 0x10000:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


@contextlib.asynccontextmanager
async def serving(serve):
    """Serve on a free port; end all connections."""
    tasks = set()

    async def handle(reader, writer):
        task = asyncio.current_task()
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await serve(reader, writer)
        tasks.discard(task)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**25)
    try:
        yield Target("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in [*tasks]:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@pytest.fixture
def holds(run_async, reactor_kind):
    """Try our server with a section; return the cases that did not hold, but for skipped ones."""

    def holds(section):
        async def main():
            async with sock.serve(Echo, options=OPTIONS) as server:
                run = await run_cases(Target("127.0.0.1", server.port), section.cases, patience=5)
            held = [one for one in run.outcomes if one.verdict.value == "held"]
            assert len(held) >= len(section.cases) - 1
            return [
                (one.case.number, one.expected, one.seen)
                for one in run.outcomes
                if one.verdict.value not in {"held", "skipped"}
            ]

        return run_async(main())

    return holds


@pytest.fixture
def verdicts(run_async):
    """Try a server with cases of a section; return a verdict for each number."""

    def verdicts(section, serve, *places):
        async def main():
            async with serving(serve) as target:
                chosen = [
                    case
                    for case in section.cases
                    if not places or int(case.number.partition(".")[2]) in places
                ]
                outcomes = await asyncio.gather(
                    *(try_case(target, case, patience=2.5) for case in chosen)
                )
            return {one.case.number: one.verdict.value for one in outcomes}

        return run_async(main())

    return verdicts


@pytest.fixture
def naive():
    """The class of the server that checks nothing."""
    return Naive


@pytest.fixture
def server_frame():
    """Makes frames of a server."""
    return frame_of
