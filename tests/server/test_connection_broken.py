"""An error while reading a request ends the connection: nothing behind it is read. [S14.8]"""

from __future__ import annotations

import asyncio

import httptools
import pytest

import sock
from sock import Response, Sock

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

pytestmark = pytest.mark.usefixtures("reactor_kind", "loop_kind")


class Echo(Sock):
    def handle_in(self, message):
        return message


def app(request):
    return Echo(request) if request.path == "/chat" else Response(200, "well")


@pytest.mark.parametrize("error", [MemoryError, OverflowError, ValueError, RuntimeError])
@pytest.mark.parametrize("where", ["head", "body"])
def test_an_error_while_reading_ends_the_connection_and_is_told_once(
    run_async, connect, monkeypatch, caplog, error, where
):
    kept = httptools.HttpRequestParser

    class Fails:
        def __init__(self, reader):
            self._parser = kept(reader)

        def feed_data(self, data):
            if b"head" in data or data == b"body":
                raise error("made up")
            self._parser.feed_data(data)

        def __getattr__(self, name):
            return getattr(self._parser, name)

    monkeypatch.setattr(httptools, "HttpRequestParser", Fails)
    targets = []

    def asked(request):
        targets.append(request.path)
        return app(request)

    async def act():
        async with sock.serve(asked) as server:
            async with await connect(server) as client:
                target = where if where == "head" else "fine"
                head = f"POST /{target} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
                client.send(head.encode())
                await asyncio.sleep(0)
                client.send(b"body" + HANDSHAKE)
                client.finish()
                got = await client.rest()
                assert got.startswith(b"HTTP/1.1 500 ")
                assert got.count(b"HTTP/1.1 ") == 1
            async with await connect(server) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await client.answer()).body == b"well"
                client.send(HANDSHAKE)
                assert (await client.answer()).status == 101
            await server.drain(0.1)

    run_async(act())
    assert targets == ["/", "/chat"]
    assert len([record for record in caplog.records if record.exc_info]) == 1
