"""A pipe over a stream of Tornado's: for TLS, whose bytes only the stream can read and write."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import websockets

from sock import Options, Sock
from sock.loop import Reactor
from sock.testing import contract

pytest.importorskip("tornado")
from tornado import iostream
from tornado.httpserver import HTTPServer
from tornado.web import Application

from sock.adapters import tornado as adapter
from tests.adapters.peers import HANDSHAKE

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


class Echo(Sock):
    def handle_in(self, message):
        return message


@contextlib.asynccontextmanager
async def serving(app, **options):
    server = HTTPServer(Application([(r".*", adapter.hosting(app))]), **options)
    server.listen(0, "127.0.0.1")
    [sock] = server._sockets.values()

    async def stop():
        server.stop()
        await adapter.drain(contract.DRAIN_BOUND)

    try:
        yield stop, sock.getsockname()[1]
    finally:
        await stop()
        await server.close_all_connections()


@pytest.mark.one_form
@pytest.mark.timeout(170)
def test_the_contract_holds_over_a_stream(run_async, prove, monkeypatch):
    # The contract's client speaks no TLS: so a stream without it takes the way of those with it.
    monkeypatch.setattr(iostream, "SSLIOStream", iostream.IOStream)

    async def act():
        async with serving(contract.app) as (stop, port):
            skipped = await prove(port, limits=["heads", "lifespan"], drain=stop)
            assert 0 < len(skipped) < 8

    run_async(act())


def test_large_messages_go_both_ways_over_tls(run_async, tls):
    async def act():
        async with serving(Echo, ssl_options=tls.server) as (_, port):
            url = f"wss://127.0.0.1:{port}/"
            async with websockets.connect(url, ssl=tls.client, max_size=None) as client:
                for size in (1, 1000, 1_000_000):
                    await client.send("x" * size)
                    assert await client.recv() == "x" * size

    run_async(act())


def test_what_one_read_brings_is_answered_in_one_write_over_tls(run_async, tls, monkeypatch):
    """[S2.11] However long the loop has run before: a read begins a turn of its own."""
    writes = []
    write = iostream.SSLIOStream.write

    def noted(stream, data):
        writes.append(bytes(data))
        return write(stream, data)

    monkeypatch.setattr(iostream.SSLIOStream, "write", noted)

    async def act():
        async with serving(Echo, ssl_options=tls.server) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls.client)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            for count in (8, 20):
                writes.clear()
                Reactor.of(asyncio.get_running_loop()).deadline = 0  # the last turn was long ago
                # Each with a mask of zeros, which leaves the payload as it is.
                writer.write(b"".join(b"\x81\x82\0\0\0\0%02d" % one for one in range(count)))
                answers = b"".join(b"\x81\x02%02d" % one for one in range(count))
                assert await reader.readexactly(len(answers)) == answers
                assert writes == [answers]
            writer.transport.abort()

    run_async(act())


def test_a_stop_says_1012_over_tls(run_async, tls):
    async def act():
        async with serving(Echo, ssl_options=tls.server) as (stop, port):
            client = await websockets.connect(f"wss://127.0.0.1:{port}/", ssl=tls.client)
            await stop()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())


def test_a_peer_that_takes_nothing_is_cut_over_a_stream(run_async, tls):
    class Pours(Sock):
        def __init__(self, request):
            super().__init__(request)
            self.ended = ended

        def handle_in(self, message):
            return b"x" * 50_000_000

        def terminate(self, reason):
            ended.append(reason)

    ended = []

    async def act():
        from sock import Upgrade

        def app(request):
            return Upgrade(Pours(request), options=Options(send_timeout=0.3))

        async with serving(app, ssl_options=tls.server) as (_, port):
            client = await websockets.connect(
                f"wss://127.0.0.1:{port}/", ssl=tls.client, max_queue=1, max_size=None
            )
            client.transport.pause_reading()
            await client.send("go")
            while not ended:
                await asyncio.sleep(0.01)
            client.transport.abort()

    run_async(act())
    assert type(ended[0].error).__name__ == "PeerTooSlow"
