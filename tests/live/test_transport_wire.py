"""The wire of an `EngineConnection` over an asyncio transport."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sock import Options, Remote, Request, Sock
from sock.live import EngineConnection, TransportWire
from sock.loop import Reactor
from tests.live_bridge import until


class LineWire(TransportWire):
    """Frames that are lines; "bye" is a Close."""

    def parse(self, data):
        for line in data.decode().splitlines():
            yield Remote(1000) if line == "bye" else line

    def encode(self, message):
        return f"{message}\n".encode()

    def encode_close(self, code, detail):
        return f"close {code}\n".encode()


class Echo(Sock):
    def __init__(self):
        self.reasons = []

    def init(self, ref):
        self.ref = ref
        return "welcome"

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


class Front(asyncio.Protocol):
    """Reads one line, and goes live; the rest is early."""

    def __init__(self, living, options):
        self.living, self.options = living, options

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        _, _, early = data.partition(b"\n")
        wire, handler = LineWire(self.transport, b"head\n"), Echo()
        connection = EngineConnection(
            Reactor.of(asyncio.get_running_loop()), wire, Request(), handler, self.options
        )
        self.living.append((wire, handler, connection))
        wire.go_live(connection, early)


@pytest.fixture
def play(run_async):
    """Run a scenario with a client, and the list of what is live."""

    def play(scenario, **options):
        async def act():
            loop, living = asyncio.get_running_loop(), []
            server = await loop.create_server(
                lambda: Front(living, Options(**options)), "127.0.0.1", 0
            )
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                await scenario(reader, writer, living)
            finally:
                writer.transport.abort()
                await until(lambda: all(handler.reasons for _, handler, _ in living))
                server.close()

        run_async(act())

    return play


def test_early_bytes_come_first_and_each_turn_is_one_write(play):
    async def scenario(reader, writer, living):
        writer.write(b"hello\nearly\n")
        assert await reader.readexactly(19) == b"head\nwelcome\nearly\n"
        writer.write(b"one\ntwo\n")
        assert await reader.readexactly(8) == b"one\ntwo\n"
        (_, _, connection) = living[0]
        assert connection.pending == 0

    play(scenario)


def test_the_peers_close_ends_tcp_with_a_fin(play):
    async def scenario(reader, writer, living):
        writer.write(b"hello\nbye\nafter\n")
        assert await reader.read() == b"head\nwelcome\nclose 1000\n"
        writer.write(b"after\n")
        writer.close()
        await until(lambda: living[0][1].reasons)
        assert living[0][1].reasons == [Remote(1000)]

    play(scenario)


def test_what_the_peer_does_not_take_is_pending_and_goes_on_when_it_has(play):
    async def scenario(reader, writer, living):
        writer.write(b"hello\n")
        await reader.readline()
        (wire, handler, connection) = living[0]
        for _ in range(64):
            handler.ref.send("x" * 1_000_000)
        await until(lambda: connection.pending > 1_000_000)
        taken = wire.bytes_taken
        handler.ref.send("last")
        received = 0
        while not (piece := await reader.read(1 << 20)).endswith(b"last\n"):
            received += len(piece)
        assert received > 60_000_000
        assert wire.bytes_taken > taken
        assert connection.pending == 0

    play(scenario)


def test_a_peer_that_never_answers_our_close_is_cut(play):
    async def scenario(reader, writer, living):
        writer.write(b"hello\n")
        await reader.readexactly(13)
        living[0][1].ref.stop(4000)
        said = b""
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(100):  # until TCP is cut
                said += piece
        assert said == b"close 4000\n"

    play(scenario, close_timeout=0.05)


def test_a_peer_that_is_lost_is_1006(play):
    async def scenario(reader, writer, living):
        writer.write(b"hello\n")
        await reader.readexactly(13)
        writer.transport.abort()
        await until(lambda: living[0][1].reasons)
        assert living[0][1].reasons == [Remote(1006)]

    play(scenario)
