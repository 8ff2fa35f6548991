"""A whole server under attack: in this process, or in one of its own whose memory is measured."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import sock
from sock import Sock, testing
from sock.testing import Close, End

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
def upgrade() -> bytes:
    """Give a valid opening handshake, as bytes."""
    return UPGRADE


@pytest.fixture
def named(events) -> Callable[[str], list[dict[str, Any]]]:
    """Return the fields of all events of one name."""
    return lambda name: [fields for event, fields in events if event == name]


@pytest.fixture
def lines(caplog) -> Callable[[], list[tuple[str, str, str]]]:
    """Return the lines of the log, the access log among them: logger, level, text."""
    caplog.set_level(logging.DEBUG, logger="sock")
    caplog.set_level(logging.INFO, logger="sock.access")
    return lambda: [
        (record.name, record.levelname.lower(), record.getMessage()) for record in caplog.records
    ]


@pytest.fixture
def noting() -> type[Sock]:
    """Make an echo that notes its callbacks, in order, in `notes`; the last is the reason."""

    class Noting(Sock):
        notes: ClassVar[list[Any]] = []

        def init(self, ref):
            self.notes.append("init")

        def handle_in(self, message):
            self.notes.append(message)
            return message

        def handle_info(self, info):
            self.notes.append(info)

        def terminate(self, reason):
            self.notes.append(reason)

    return Noting


class Talk:
    """A client, and all that it has heard."""

    def __init__(self, client: testing.Client) -> None:
        self.client = client
        self.heard: list[Any] = []

    async def until_end(self, *, polite: bool = True) -> list[Any]:
        """Hear everything, answer a Close if polite; return it, the end of TCP last."""
        while not self.heard or not isinstance(self.heard[-1], End):
            self.heard.append(await self.client.receive())
            if polite and isinstance(self.heard[-1], Close):
                with contextlib.suppress(OSError):
                    await self.client.send_close(1000)
        return self.heard


@pytest.fixture
def talk(run_async) -> Callable[..., list[Any]]:
    """Serve an application; say something; return what a client hears until TCP ends."""

    def talk(app, *said: bytes, client: dict[str, Any] | None = None, polite=True, **options):
        async def act():
            async with sock.serve(app, options=sock.Options(**options)) as server:
                async with await dial(server, **(client or {})) as peer:
                    with contextlib.suppress(ConnectionError):  # cut while we speak
                        for data in said:
                            await peer.send_bytes(data)
                    heard = await Talk(peer).until_end(polite=polite)
                await server.wait_empty()
                return heard

        return run_async(act())

    return talk


async def dial(server: Any, path: str = "/", **options: Any) -> testing.Client:
    return await testing.Client.connect(f"ws://127.0.0.1:{server.port}{path}", **options)


@pytest.fixture(name="dial")
def _dial() -> Callable[..., Any]:
    """Connect a WebSocket client to a server."""
    return dial


@pytest.fixture
def hear() -> Callable[..., Any]:
    """Hear everything until TCP ends."""
    return lambda client, **how: Talk(client).until_end(**how)


@pytest.fixture
def ask(run_async) -> Callable[..., bytes]:
    """Serve an application; send any bytes; return all that comes until TCP ends."""

    def ask(app, data: bytes, **options: Any) -> bytes:
        async def act():
            async with sock.serve(app, options=sock.Options(**options)) as server:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(data)
                got = b""
                with contextlib.suppress(ConnectionError):
                    while piece := await reader.read(65536):
                        got += piece
                writer.transport.abort()
                await server.wait_empty()
                return got

        return run_async(act())

    return ask


class Measured:
    """A server in a process of its own."""

    def __init__(self, **options: Any) -> None:
        script = Path(__file__).with_name("measured.py")
        self.process = subprocess.Popen(
            [sys.executable, script, json.dumps(options)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None, "a pipe"
        self.port = int(self.process.stdout.readline())

    def figures(self) -> dict[str, Any]:
        """Return what it says of itself: memory in bytes, CPU time in seconds, connections."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/figures", timeout=20) as answer:
            return json.loads(answer.read())

    async def ask(self) -> dict[str, Any]:
        """Return the figures; other connections get their turn meanwhile."""
        return await asyncio.to_thread(self.figures)

    def kill(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None, "a pipe"
        self.process.stdout.close()


@pytest.fixture(scope="session")
def shared() -> Iterator[dict[str, Measured]]:
    """Keep the servers that several tests use, one for each reactor."""
    kept: dict[str, Measured] = {}
    yield kept
    for one in kept.values():
        one.kill()


@pytest.fixture
def measured(reactor_kind, shared) -> Iterator[Callable[..., Measured]]:
    """Start servers in processes of their own, with such options."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is measured through /proc")
    started: list[Measured] = []

    def start(*, share: bool = False, **options: Any) -> Measured:
        if share:  # for those who do not look at memory
            name = f"{reactor_kind} {options}"
            if name not in shared:
                shared[name] = Measured(**options)
            return shared[name]
        started.append(Measured(**options))
        return started[-1]

    yield start
    for one in started:
        one.kill()
