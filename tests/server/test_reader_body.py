"""The body of an ordinary request: given to the application, bounded, and no request of its own."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

import sock
from sock import Options, Response, Sock

pytestmark = pytest.mark.usefixtures("reactor_kind")

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


def back(request):
    return Response(200, request.body)


def post(body: bytes, *fields: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *fields]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def last(body: bytes) -> bytes:
    return post(body, "Connection: close")


def body_of(got: bytes) -> bytes:
    assert got.startswith(b"HTTP/1.1 200 "), got
    return got.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("size", [0, 1, 1000, 200_000, 1024 * 1024])
def test_an_application_gets_the_body_of_a_request(exchange, size):
    """[S13.9]"""
    body = bytes(range(256)) * (size // 256 + 1)
    assert body_of(exchange(back, last(body[:size]))) == body[:size]


def test_a_request_without_a_body_has_an_empty_one(exchange):
    get = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert body_of(exchange(lambda request: Response(200, repr(request.body)), get)) == b"b''"


@pytest.mark.parametrize("size", [1, 7, 4096, 20_000])
def test_a_chunked_body_is_decoded_rfc_9112_7_1(exchange, size):
    body = bytes(range(256)) * 100
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    said = b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    assert body_of(exchange(back, CHUNKED + said + b"0\r\nX: y\r\n\r\n")) == body


def test_each_request_has_its_own_body(run_async, connect):
    async def act():
        async with sock.serve(back) as server, await connect(server) as client:
            chunked = CHUNKED.replace(b"Connection: close\r\n", b"")
            client.send(post(b"one") + chunked + b"3\r\ntwo\r\n0\r\n\r\n" + post(b"") + last(b"4"))
            for expected in (b"one", b"two", b"", b"4"):
                assert (await client.answer()).body == expected

    run_async(act())


def test_a_body_that_trickles_arrives_whole(run_async, connect):
    async def act():
        async with sock.serve(back) as server, await connect(server) as client:
            for byte in CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n":
                client.send(bytes((byte,)))
                await asyncio.sleep(0)
            assert (await client.answer()).body == b"0123456789"

    run_async(act())


@pytest.mark.parametrize("limit", [1, 1000])
def test_a_body_over_max_body_size_is_answered_with_413_rfc_9110_15_5_14(exchange, limit):
    """[S17.2]"""
    asked = []

    def app(request):
        asked.append(request)
        return back(request)

    body = b"x" * limit
    assert body_of(exchange(app, last(body), max_body_size=limit)) == body
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (limit, body)
    assert body_of(exchange(app, CHUNKED + chunk, max_body_size=limit)) == body
    assert len(asked) == 2
    longer = body + b"x"
    got = exchange(app, last(longer), max_body_size=limit)
    assert got.startswith(b"HTTP/1.1 413 ")
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (limit + 1, longer)
    got = exchange(app, CHUNKED + chunk, max_body_size=limit)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert len(asked) == 2


def test_a_body_is_asked_for_only_when_it_may_come_rfc_9110_10_1_1(run_async, connect):
    async def act():
        options = Options(max_body_size=5)
        async with sock.serve(back, options=options) as server:
            async with await connect(server) as client:
                client.send(post(b"", "Expect: 100-continue").replace(b"h: 0", b"h: 5"))
                assert (await client.answer()).status == 100
                client.send(b"hello")
                assert (await client.answer()).body == b"hello"
            async with await connect(server) as client:
                client.send(post(b"", "Expect: 100-continue").replace(b"h: 0", b"h: 6"))
                assert (await client.answer()).status == 413
                assert await client.rest() == b""

    run_async(act())


def test_a_body_is_let_go_of_with_its_request(run_async, connect):
    class Kept(bytearray):
        """One whose end can be seen."""

    bodies = []

    def app(request):
        request.body = Kept(request.body)
        bodies.append(weakref.ref(request.body))
        return Response(200)

    async def act():
        async with sock.serve(app) as server, await connect(server) as client:
            client.send(post(b"x" * 1000))
            await client.answer()
            gc.collect()
            assert bodies[0]() is None

    run_async(act())


def test_the_body_of_a_handshake_is_refused_rfc_9110_9_3_1(exchange):
    class Echo(Sock):
        pass

    handshake = (
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Content-Length: 5\r\n\r\nhello"
    )
    assert exchange(Echo, handshake).startswith(b"HTTP/1.1 400 ")
