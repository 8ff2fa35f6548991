"""Every number that a peer may say, of every size: it is answered, and nothing behind it is read.

A handshake is sent behind each head; it is never answered with a 101. [S15.10]
"""

from __future__ import annotations

import asyncio
import logging
import re

import pytest

import sock
from sock import Options, Response, Sock
from sock.wire.parser import Parser

pytestmark = pytest.mark.usefixtures("reactor_kind")

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
NUMBERS = [
    *(str(2**power + more) for power in (31, 32, 62, 63, 64, 65, 128) for more in (-1, 0, 1)),
    "9" * 21,
    "9" * 300,
    "9" * 4300,
    "9" * 5000,
    "0" * 5000 + "9" * 20,
]
NO_NUMBERS = [
    "-1",
    "+1",
    "-0",
    "1 1",
    "5, 5",
    "5,5",
    "0x5",
    "5.0",
    "1e3",
    "٣",
    "",
    "five",
    "1_0",
    "5;",
]
SMALL = ["5", "05", "0" * 30 + "5", "0" * 5000 + "5", " 5 "]


def named(number: str) -> str:
    return number if len(number) < 45 else f"{len(number)} digits"


class Echo(Sock):
    def handle_in(self, message):
        return message


def app(request):
    return Echo(request) if request.path == "/chat" else Response(200, request.body)


@pytest.fixture
def told_of_errors(caplog, events):
    """Return what was logged as an error, and what telemetry tells of as one."""

    def told():
        failures = [event for event, _ in events if event.endswith(".failed")]
        errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
        return failures + errors

    return told


@pytest.fixture
def said(run_async, connect, told_of_errors):
    """Send bytes, then a handshake, to a server; return all that it says until the end."""

    def said(data: bytes, *, behind: bytes = HANDSHAKE, **options) -> bytes:
        async def act():
            async with (
                sock.serve(app, options=Options(max_head_size=65536, **options)) as server,
                _Connecting(connect, server) as client,
            ):
                client.send(data)
                await asyncio.sleep(0)
                client.send(behind)
                client.finish()
                return await client.rest()

        got = run_async(act())
        assert told_of_errors() == []
        return got

    return said


class _Connecting:
    def __init__(self, connect, server):
        self._connecting = connect(server)

    async def __aenter__(self):
        self._client = await self._connecting
        return self._client

    async def __aexit__(self, *_):
        self._client.hang_up()


def refused(got: bytes, *statuses: int) -> None:
    assert got.startswith(b"HTTP/1.1 "), got
    assert int(got[9:12]) in statuses, got
    assert len(re.findall(rb"HTTP/1\.1 [0-9]", got)) == 1
    assert b"Connection: close" in got


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("number", NUMBERS, ids=named)
def test_a_length_beyond_the_limit_is_refused(said, method, number):
    head = f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: {number}\r\n\r\n"
    refused(said(head.encode()), 413, 400)


@pytest.mark.parametrize("number", ["9223372036854775808", "18446744073709551615"])
def test_a_length_that_no_machine_word_holds_is_too_large_rfc_9110_15_5_14(said, number):
    refused(said(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {number}\r\n\r\n".encode()), 413)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_length_that_is_none_is_refused_rfc_9112_6_3(said, number):
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {number}\r\n\r\n"
    refused(said(head.encode()), 400)


@pytest.mark.parametrize("number", SMALL, ids=len)
def test_a_length_with_zeros_or_spaces_around_it_is_that_length(said, number):
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {number}\r\nConnection: close\r\n\r\n"
    got = said(head.encode() + b"hello")
    assert got.startswith(b"HTTP/1.1 200 ")
    assert got.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize("number", NUMBERS, ids=named)
def test_a_handshake_with_a_length_is_refused_and_its_body_is_no_request(said, number):
    head = HANDSHAKE[:-2] + f"Content-Length: {number}\r\n\r\n".encode()
    refused(said(head), 400, 413)


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_handshake_with_a_length_that_is_none_is_refused(said, number):
    head = HANDSHAKE[:-2] + f"Content-Length: {number}\r\n\r\n".encode()
    refused(said(head), 400)


@pytest.mark.parametrize(
    "size",
    [
        *(f"{int(number):x}" for number in NUMBERS if len(number) < 4300),
        "f" * 16,
        "F" * 17,
        "f" * 5000,
        "0" * 5000 + "f" * 16,
        "8" + "0" * 15,
        "-1",
        "+1",
        "0x1",
        "1_0",
        "g",
        "",
        "1 1",
        "٣",
    ],
    ids=named,
)
def test_a_chunk_of_any_other_size_is_refused_rfc_9112_7_1(said, size):
    head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    refused(said(f"{head}{size}\r\n".encode()), 413, 400)


def test_a_chunk_whose_size_has_many_zeros_is_that_chunk(said):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    got = said(head + b"0" * 5000 + b"5\r\nhello\r\n" + b"0" * 100 + b"\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 ")
    assert got.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize(
    "version",
    ["1.10", "01.1", "1.01", "1." + "1" * 5000, "9" * 5000, "1.-1", "1.", ".1", "1", "1.²", "2.0"],
    ids=named,
)
def test_another_version_is_refused(said, version):
    head = HANDSHAKE.replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    refused(said(head), 400, 505)


@pytest.mark.parametrize(
    "version", [*NUMBERS, *NO_NUMBERS, "013", "13, 13", "13.0", " 13x", "12"], ids=named
)
def test_another_version_of_the_protocol_is_refused_rfc_6455_4_4(said, version):
    head = HANDSHAKE.replace(b"Version: 13", f"Version: {version}".encode())
    refused(said(head), 426, 400)


@pytest.mark.parametrize("port", [*NO_NUMBERS[:3], "0x5", "five", "٣", "1 1"])
@pytest.mark.parametrize("place", ["host", "target", "origin"])
def test_a_port_that_is_none_is_refused(said, place, port):
    head = handshake_to(place, port)
    refused(said(head), 400, 403)


@pytest.mark.parametrize("port", NUMBERS, ids=named)
@pytest.mark.parametrize("place", ["host", "target", "origin"])
def test_a_port_of_any_size_is_never_counted_with(said, place, port):
    got = said(handshake_to(place, port), behind=b"")
    assert got.startswith((b"HTTP/1.1 101 ", b"HTTP/1.1 40"))
    assert len(re.findall(rb"HTTP/1\.1 [0-9]", got)) == 1


def handshake_to(place: str, port: str) -> bytes:
    match place:
        case "host":
            return HANDSHAKE.replace(b"Host: a", f"Host: a:{port}".encode())
        case "target":
            return HANDSHAKE.replace(b"GET /chat", f"GET http://a:{port}/chat".encode())
        case _:
            return HANDSHAKE.replace(b"Host: a", f"Host: a\r\nOrigin: http://a:{port}".encode())


@pytest.mark.parametrize("bits", [*NUMBERS, *NO_NUMBERS, "7", "16", "010", '"9', "0"], ids=named)
@pytest.mark.parametrize("side", ["server", "client"])
def test_a_window_of_any_other_size_is_declined_or_refused_rfc_7692_7_1(said, side, bits):
    offer = f"Sec-WebSocket-Extensions: permessage-deflate; {side}_max_window_bits={bits}\r\n\r\n"
    got = said(HANDSHAKE[:-2] + offer.encode(), behind=b"", compression=True)
    assert got.startswith((b"HTTP/1.1 101 ", b"HTTP/1.1 400 "))
    assert b"permessage-deflate" not in got.partition(b"\r\n\r\n")[0]


# Frames.

SIZES = [2**power + more for power in (20, 31, 32, 62, 63) for more in (-1, 0, 1)]
SIZES += [2**64 - 1, 2**64 - 2]


@pytest.fixture
def closed_with(run_async, connect, told_of_errors):
    """Send frames to a live connection; return the code that it is closed with."""

    def closed_with(data: bytes, **options) -> int:
        seen = []

        async def act():
            async with (
                sock.serve(app, options=Options(close_timeout=0.2, **options)) as server,
                _Connecting(connect, server) as client,
            ):
                client.send(HANDSHAKE + data)
                assert (await client.answer()).status == 101
                client.finish()
                return await client.rest()

        got = run_async(act())
        parser = Parser(max_message_size=None, max_fragments=None, masked=False)
        parser.feed(got, lambda event: seen.append(event) or True)
        assert told_of_errors() == []
        return seen[-1].code if seen else 0

    return closed_with


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("first", [0x81, 0x82, 0x01, 0x89, 0x88])
@pytest.mark.parametrize("limit", [{}, {"max_message_size": None}, {"max_message_size": 2**64}])
def test_a_frame_of_any_length_is_refused_or_waited_for_rfc_6455_5_2(
    closed_with, first, size, limit
):
    code = closed_with(bytes((first, 0xFF)) + size.to_bytes(8, "big") + b"mask" + b"x", **limit)
    if first > 0x87 or size >= 2**63:
        assert code == 1002
    elif size > (2**62 if limit else 2**20):
        assert code == 1009
    else:
        assert code == 0  # it has not come yet


@pytest.mark.parametrize(
    "code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 32768, 65535]
)
def test_a_code_that_may_not_travel_is_answered_with_1002_rfc_6455_7_4(closed_with, code):
    frame = b"\x88\x82" + b"\0\0\0\0" + code.to_bytes(2, "big")
    assert closed_with(frame) == 1002
