"""A live connection in one process: a link over a real TCP connection, and a peer at its other end.

Everything runs on each reactor (epoll, transport) and each event loop (asyncio, uvloop).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from sock import Options, Ping, Pong, Request, Sock
from sock.live import Link
from sock.loop import Reactor, adopt
from sock.wire.parser import Parser
from sock.wire.writer import Writer

BOUND = 10.0  # seconds in which anything on loopback happens


class Peer:
    """The other end: a client without manners, which sends and reads what a test says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._events: list[Any] = []
        self._parser = Parser(max_message_size=None, max_fragments=None, masked=False)
        self._wire = Writer(mask=lambda: b"mask")

    def encode(self, *messages: Any) -> bytes:
        out = bytearray()
        for message in messages:
            self._wire.push(out, message)
        return bytes(out)

    def send(self, *messages: Any) -> None:
        self.writer.write(self.encode(*messages))

    def close(self, code: int | None = 1000, detail: str = "") -> None:
        out = bytearray()
        self._wire.close(out, code, detail)
        self.writer.write(out)

    async def next(self) -> Any:
        """Return the next message or control frame, or None at the end of the stream."""
        while not self._events:
            data = await asyncio.wait_for(self.reader.read(65536), BOUND)
            if not data:
                return None
            self._parser.feed(data, lambda event: self._events.append(event) or True)
        return self._events.pop(0)

    async def until_pong(self) -> None:
        """Wait until the connection has handled all that was sent before."""
        self.send(Ping(b"done?"))
        while await self.next() != Pong(b"done?"):
            pass


class Connection:
    """A link, its handler and its peer."""

    def __init__(self, link: Link, handler: Any, peer: Peer, over: asyncio.Event) -> None:
        self.link = link
        self.handler = handler
        self.peer = peer
        self._over = over

    @property
    def is_over(self) -> bool:
        """Whether the connection is over, TCP included."""
        return self._over.is_set()

    async def over(self) -> None:
        """Wait until the connection is over, TCP included."""
        await asyncio.wait_for(self._over.wait(), BOUND)


Open = Callable[..., Awaitable[Connection]]


@pytest.fixture(params=["epoll", "transport"])
def native(request) -> bool:
    return request.param in {"epoll", True}


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_factory(request):
    if request.param == "asyncio":
        return asyncio.new_event_loop
    if os.environ.get("SOCK_REQUIRE"):
        import uvloop
    else:
        uvloop = pytest.importorskip("uvloop")
    return uvloop.new_event_loop


@pytest.fixture
def peers() -> list[Peer]:
    """Every peer of a test, closed at its end."""
    return []


@pytest.fixture
def run(loop_factory, peers) -> Iterator[Callable[[Any], Any]]:
    """Run a coroutine to its end, on a loop of its own."""

    async def closing(coroutine):
        try:
            return await asyncio.wait_for(coroutine, 5 * BOUND)
        finally:
            for peer in peers:
                peer.writer.transport.abort()
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        yield lambda coroutine: runner.run(closing(coroutine))


@pytest.fixture
def reactor(native, monkeypatch) -> Callable[[], Reactor]:
    """Give the reactor of the running loop."""
    monkeypatch.setenv("SOCK_REACTOR", "epoll" if native else "transport")
    return lambda: Reactor.of(asyncio.get_running_loop())


@pytest.fixture
def pair(reactor, peers) -> Callable[..., Awaitable[tuple[Any, Any, Peer]]]:
    """Connect a pipe with a peer; `connect` makes the receiver."""

    async def pair(connect, **client_options) -> tuple[Any, Any, Peer]:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            reading, accepted = await asyncio.gather(
                asyncio.open_connection(*listener.getsockname(), **client_options),
                loop.sock_accept(listener),
            )
        sock = accepted[0]
        sock.setblocking(False)
        ready = loop.create_future()

        def connected(pipe):
            receiver = connect(pipe)
            ready.set_result((pipe, receiver))
            return receiver

        adopt(reactor(), sock, connected)
        pipe, receiver = await ready
        peer = Peer(*reading)
        peers.append(peer)
        return pipe, receiver, peer

    return pair


@pytest.fixture
def open_link(reactor, pair) -> Open:
    """Connect a handler with a peer, behind the handshake."""

    async def open_link(
        kind: type[Sock[Any, Any, Any]], early: bytes = b"", debug: bool = False, **options: Any
    ) -> Connection:
        request = Request("GET", "/")
        handler = kind(request)
        over = asyncio.Event()

        def connect(pipe):
            return Link(
                reactor(),
                pipe,
                request,
                handler,
                Options(**options),
                on_over=lambda link: over.set(),
                debug=debug,
            )

        _, link, peer = await pair(connect)
        link.begin(b"", early)
        return Connection(link, handler, peer, over)

    return open_link
