"""One connection before the 101: what a peer sees for whatever it sends, on both reactors."""

from __future__ import annotations

import asyncio
import socket

import pytest

import sock
from sock import Options, Request, Response, Sock

pytestmark = pytest.mark.usefixtures("reactor_kind", "loop_kind")

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
UPGRADE = (
    "GET /chat HTTP/1.1\r\n"
    "Host: example.com\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n"
).encode()
GET = b"GET %s HTTP/1.1\r\nHost: example.com\r\n\r\n"
PLAIN = GET % b"/"
LAST = b"GET /last HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"


class Echo(Sock):
    def handle_in(self, message):
        return message


def hello(request: Request):
    if request.path == "/chat":
        return Echo(request)
    return Response(200, f"hello {request.path}")


class Counted(Sock):
    made = 0

    def __init__(self, request):
        type(self).made += 1


@pytest.fixture
def counted():
    class Counts(Counted):
        made = 0

    return Counts


def status_of(data: bytes) -> int:
    assert data.startswith(b"HTTP/1.1 "), data
    return int(data[9:12])


def named(events, name):
    return [fields for event, fields in events if event == name]


# Ordinary requests.


def test_a_request_is_answered(exchange):
    got = exchange(hello, LAST)
    assert status_of(got) == 200
    assert got.endswith(b"\r\n\r\nhello /last")


def test_a_request_is_answered_by_a_coroutine(exchange):
    async def app(request):
        await asyncio.sleep(0)
        return Response(200, "later")

    assert exchange(app, LAST).endswith(b"later")


def test_a_request_is_answered_by_a_coroutine_that_waits_for_nothing(exchange):
    async def app(request):
        return Response(200, request.path)

    assert exchange(app, PLAIN * 500 + LAST).count(b"HTTP/1.1 200") == 501


def test_the_request_names_both_ends(run_async, connect):
    seen = []

    def app(request):
        seen.append((request.client, request.server, request.scheme))
        return Response()

    async def act():
        async with sock.serve(app) as server, await connect(server) as client:
            client.send(PLAIN)
            await client.answer()
            ours = client.writer.get_extra_info("sockname")
            assert seen == [(ours, ("127.0.0.1", server.port), "http")]

    run_async(act())


def test_a_connection_takes_another_request_rfc_9112_9_3(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            for path in (b"/a", b"/b"):
                client.send(GET % path)
                assert (await client.answer()).body == b"hello " + path
            client.send(LAST)
            got = await client.answer()
            assert got.headers["connection"] == "close"
            assert await client.rest() == b""

    run_async(act())


def test_pipelined_requests_are_answered_in_order_rfc_9112_9_3_2(exchange):
    waits = {"/0": 3, "/1": 0, "/2": 2, "/3": 0, "/last": 0}

    async def app(request):
        for _ in range(waits[request.path]):
            await asyncio.sleep(0)
        return Response(200, request.path)

    got = exchange(app, b"".join(GET % (b"/%d" % n) for n in range(4)) + LAST)
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 200")[1:]]
    assert bodies == [b"/0", b"/1", b"/2", b"/3", b"/last"]


def test_nothing_is_read_behind_the_last_request(exchange):
    assert exchange(hello, LAST + PLAIN).count(b"HTTP/1.1") == 1


def test_head_is_answered_without_a_body_rfc_9110_9_3_2(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + LAST)
            head = await client.answer(to_head=True)
            assert head.headers["content-length"] == "7"
            assert (await client.answer()).body == b"hello /last"

    run_async(act())


def test_http_1_0_ends_with_the_answer_rfc_9112_9_3(exchange):
    got = exchange(hello, b"GET / HTTP/1.0\r\n\r\n")
    assert b"Connection: close" in got


def test_http_1_0_may_ask_to_go_on_rfc_9112_c_2_2(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            for _ in range(2):
                client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                assert (await client.answer()).headers["connection"] == "keep-alive"

    run_async(act())


def test_an_application_may_end_the_connection(exchange):
    got = exchange(lambda request: Response(200, headers={"Connection": "close"}), PLAIN)
    assert b"Connection: close" in got


def test_a_body_is_read_and_the_next_request_is_answered(exchange):
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    chunked = (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    assert exchange(hello, post + chunked + LAST).count(b"HTTP/1.1 200") == 3


def test_a_peer_that_expects_it_is_told_to_continue_rfc_9110_10_1_1(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            client.send(
                b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
            )
            assert (await client.answer()).status == 100
            client.send(b"hello")
            assert (await client.answer()).status == 200

    run_async(act())


def test_a_body_that_is_too_large_is_refused_before_it_is_sent_rfc_9110_10_1_1(exchange):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
    assert status_of(exchange(hello, head)) == 413


def test_a_refused_peer_that_goes_on_sending_sees_the_answer_rfc_9112_9_6(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n")
            for _ in range(9):
                client.send(b"x" * 100_000)
                await client.writer.drain()
            assert (await client.answer()).status == 413
            assert await client.rest() == b""

    run_async(act())


def test_a_refused_peer_that_never_stops_sending_is_cut(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            client.send(b"nonsense\r\n\r\n")
            with pytest.raises(ConnectionError):
                while True:
                    client.send(b"x" * 100_000)
                    await client.writer.drain()

    run_async(act())


def test_a_refused_peer_that_does_not_hang_up_is_closed_in_the_end(run_async, connect):
    async def act():
        async with sock.serve(hello) as server, await connect(server) as client:
            client.send(b"nonsense\r\n\r\n")
            assert await client.rest()
            await server.wait_empty()

    run_async(act())


# Bad requests.


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 16384, 431),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417),
        (
            (
                b"POST / HTTP/1.1\r\nHost: a\r\n"
                b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            ),
            400,
        ),
    ],
)
def test_what_is_no_request_is_answered_and_the_connection_closed(exchange, events, data, status):
    asked = []
    got = exchange(asked.append, data)
    assert status_of(got) == status
    assert b"Connection: close" in got
    assert not asked
    assert [fields["status"] for fields in named(events, "request.refused")] == [status]


def test_the_good_request_before_a_bad_one_is_answered_first(exchange):
    got = exchange(hello, PLAIN + b"nonsense\r\n\r\n")
    assert status_of(got) == 200
    assert status_of(got[got.index(b"hello /") + 7 :]) == 400


def test_half_a_request_and_fin_is_answered_rfc_9112_8(exchange):
    assert status_of(exchange(hello, PLAIN[:20], finish=True)) == 400


def test_fin_without_a_request_is_answered_with_fin(exchange):
    assert exchange(hello, b"", finish=True) == b""


def test_a_peer_that_has_finished_sending_sees_all_answers(exchange):
    async def app(request):
        await asyncio.sleep(0)
        return Response(200, request.path)

    assert exchange(app, PLAIN * 3, finish=True).count(b"HTTP/1.1 200") == 3


# Time.


def test_half_a_head_is_cut_at_the_handshake_timeout_rfc_9110_15_5_9(exchange):
    assert status_of(exchange(hello, PLAIN[:20], handshake_timeout=0.2)) == 408


def test_half_a_body_is_cut_at_the_handshake_timeout(exchange):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    assert status_of(exchange(hello, head + b"he", handshake_timeout=0.2)) == 408


def test_a_head_that_trickles_is_cut_all_the_same(run_async, connect):
    async def act():
        async with (
            sock.serve(hello, options=Options(handshake_timeout=0.3)) as server,
            await connect(server) as client,
        ):
            answer = asyncio.ensure_future(client.answer())
            for byte in PLAIN:
                client.send(bytes([byte]))
                await asyncio.wait([answer], timeout=0.02)
                if answer.done():
                    break
            assert (await answer).status == 408

    run_async(act())


def test_a_connection_that_says_nothing_is_closed_in_silence(exchange):
    assert exchange(hello, b"", handshake_timeout=0.2) == b""


def test_an_idle_connection_is_closed_in_silence(exchange):
    got = exchange(hello, PLAIN, handshake_timeout=0.2)
    assert got.count(b"HTTP/1.1") == 1


def test_half_a_head_behind_an_answer_is_cut_too(exchange):
    got = exchange(hello, PLAIN + PLAIN[:20], handshake_timeout=0.2)
    assert got.count(b"HTTP/1.1 200") == 1
    assert got.count(b"HTTP/1.1 408") == 1


def test_an_application_may_take_longer_than_the_handshake_timeout(run_async, connect):
    async def act():
        asked, go = asyncio.Event(), asyncio.Event()

        async def app(request):
            if request.path == "/last":
                return Response()
            asked.set()
            await go.wait()
            return Response(200, "at last")

        async with (
            sock.serve(app, options=Options(handshake_timeout=0.1)) as server,
            await connect(server) as patient,
            await connect(server) as hurried,
        ):
            patient.send(PLAIN)
            await asked.wait()
            assert await hurried.rest() == b""  # the same time has passed for the other
            go.set()
            assert (await patient.answer()).body == b"at last"

    run_async(act())


def test_a_peer_that_takes_no_answers_is_cut_at_the_send_timeout(run_async, connect):
    big = Response(200, b"x" * 8_000_000)

    async def act():
        options = Options(send_timeout=0.2)
        async with (
            sock.serve(lambda request: big, options=options) as server,
            await connect(server, limit=1000) as client,
        ):
            client.send(PLAIN * 10)
            await client.reader.readexactly(100)
            await server.wait_empty()

    run_async(act())


def test_requests_are_not_read_while_their_answers_are_not_taken(run_async, connect):
    asked = []

    def app(request):
        asked.append(request)
        return Response(200, b"x" * 8_000_000)

    async def act():
        async with sock.serve(app) as server, await connect(server, limit=1000) as client:
            client.send(PLAIN * 3)
            await client.reader.readexactly(100)
            assert len(asked) == 1
            for _ in range(3):
                if _:
                    await client.reader.readuntil(b"\r\n\r\n")
                    await client.reader.readexactly(8_000_000)
                else:
                    await client.reader.readuntil(b"xx")
                    await client.reader.readexactly(8_000_000 - 2)
            assert len(asked) == 3

    run_async(act())


def test_what_comes_while_an_application_answers_is_bounded(run_async, connect):
    async def act():
        asked, go = asyncio.Event(), asyncio.Event()

        async def app(request):
            asked.set()
            await go.wait()
            return Response(200, request.path)

        async with sock.serve(app) as server, await connect(server) as client:
            client.send(PLAIN)
            await asked.wait()
            client.writer.transport.set_write_buffer_limits(high=0)
            own = client.writer.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # else that takes megabytes
            count = 400
            client.send((PLAIN[:-2] + b"X: " + b"x" * 10_000 + b"\r\n\r\n") * count)
            with pytest.raises(TimeoutError):  # TCP holds it back
                await asyncio.wait_for(client.writer.drain(), 0.5)
            go.set()
            for _ in range(count + 1):
                await client.answer()

    run_async(act())


def test_a_large_last_answer_arrives_whole(run_async, connect):
    body = b"x" * 8_000_000

    async def act():
        async with (
            sock.serve(lambda request: Response(200, body)) as server,
            await connect(server, limit=1000) as client,
        ):
            client.send(LAST)
            assert (await client.answer()).body == body
            assert await client.rest() == b""

    run_async(act())


def test_a_large_answer_arrives_whole_when_the_server_drains_meanwhile(run_async, connect):
    body = b"x" * 8_000_000

    async def act():
        async with (
            sock.serve(lambda request: Response(200, body)) as server,
            await connect(server, limit=1000) as client,
        ):
            client.send(PLAIN)
            await client.reader.readexactly(100)
            draining = asyncio.ensure_future(server.drain())
            assert len(await client.rest()) > len(body)
            await draining

    run_async(act())


def test_a_last_answer_reaches_a_peer_that_has_sent_too_much_to_be_read(run_async, connect):
    async def act():
        asked, go = asyncio.Event(), asyncio.Event()

        async def app(request):
            asked.set()
            await go.wait()
            return Response(200, "bye", {"Connection": "close"})

        async with sock.serve(app) as server, await connect(server) as client:
            client.send(PLAIN)
            await asked.wait()
            client.send(PLAIN * 10_000)
            go.set()
            assert (await client.answer()).body == b"bye"
            assert await client.rest() == b""

    run_async(act())
