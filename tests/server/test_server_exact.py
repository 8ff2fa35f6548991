"""What ends on the wire is what an application's value is, not what its class says. [S13.3]"""

from __future__ import annotations

import pytest

import sock
from sock import Options, Ping, Prepared, Request, Response, Sock, Stop, Text, Upgrade
from sock.wire.frame import Close

pytestmark = pytest.mark.usefixtures("reactor_kind")

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Lie:
    """What a class may say of itself."""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter(())

    def __format__(self, spec):
        return "evil\r\nX: y"

    def encode(self, *args):
        return b"evil\r\nX: y"

    def __bytes__(self):
        return b"evil"

    def __getitem__(self, key):
        return b"evil"

    def isascii(self):
        return True


class LyingText(Lie, str):
    __slots__ = ()


class LyingBytes(Lie, bytes):
    pass


class LyingBuffer(Lie, bytearray):
    pass


LONG = 20_000
MESSAGES = [
    (LyingText("honest"), "honest"),
    (LyingText("é" * LONG), "é" * LONG),
    (LyingBytes(b"honest"), b"honest"),
    (LyingBytes(b"h" * LONG), b"h" * LONG),
    (LyingBuffer(b"honest"), b"honest"),
    (Text(LyingBytes(b"honest")), "honest"),
    (Prepared(LyingText("honest")), "honest"),
    (Prepared(LyingBytes(b"honest")), b"honest"),
    (Ping(LyingBytes(b"honest")), Ping(b"honest")),
]


@pytest.mark.parametrize("compression", [False, True])
@pytest.mark.parametrize("how", ["returned", "in a list", "sent"])
def test_a_message_of_any_class_is_framed_as_what_it_is(run_async, connect, how, compression):
    class Says(Sock):
        def __init__(self, request: Request) -> None:
            self.left = [message for message, _ in MESSAGES]

        def init(self, ref):
            self.ref = ref

        def handle_in(self, message):
            said = self.left.pop(0)
            if how == "sent":
                self.ref.send(said)
                return None
            return said if how == "returned" else [said]

    async def act():
        options = Options(compression=compression)
        async with sock.serve(Says, options=options) as server, await connect(server) as client:
            client.send(HANDSHAKE)
            assert (await client.answer()).status == 101
            for _, expected in MESSAGES:
                client.push("next")
                assert await client.next() == expected
            client.say_close()
            assert (await client.next()).code == 1000

    run_async(act())


def test_a_detail_of_any_class_is_what_it_is(run_async, connect):
    class Ends(Sock):
        def init(self, ref):
            return Stop(4000, LyingText("honest"))

    async def act():
        async with sock.serve(Ends) as server, await connect(server) as client:
            client.send(HANDSHAKE)
            await client.answer()
            assert await client.next() == Close(4000, "honest")

    run_async(act())


def test_the_headers_and_the_body_of_an_answer_are_what_they_are(exchange):
    def app(request):
        text = LyingText("honest")
        return Response(200, text, [(text, text)])

    got = exchange(app, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"\r\nhonest: honest\r\n" in got
    assert b"\r\nContent-Length: 6\r\n" in got
    assert got.endswith(b"\r\n\r\nhonest")
    assert b"evil" not in got


def test_the_headers_of_a_101_are_what_they_are(run_async, connect):
    def app(request):
        text = LyingText("honest")
        return Upgrade(Sock(request), subprotocol=text, headers=[(text, text)])

    async def act():
        async with sock.serve(app) as server, await connect(server) as client:
            offer = b"Sec-WebSocket-Protocol: honest\r\n\r\n"
            client.send(HANDSHAKE[:-2] + offer)
            got = await client.answer()
            assert got.status == 101
            assert got.headers["honest"] == "honest"
            assert got.headers["sec-websocket-protocol"] == "honest"

    run_async(act())
