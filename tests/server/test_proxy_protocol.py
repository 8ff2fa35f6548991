"""The PROXY protocol: what is a header, and what becomes of a connection with or without one."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sock
from sock import Options, Response, Sock
from sock.server.proxy_protocol import MAX_SIZE, SIGNATURE, BadHeader, Header, parse

LINE = b"PROXY TCP4 203.0.113.7 198.51.100.1 50000 443\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
CLIENT = ("203.0.113.7", 50000)
SERVER = ("198.51.100.1", 443)


def binary(block: bytes, kind: int = 0x11, command: int = 0x21, length: int | None = None) -> bytes:
    size = len(block) if length is None else length
    return SIGNATURE + struct.pack(">BBH", command, kind, size) + block


FOUR = (
    socket.inet_aton("203.0.113.7")
    + socket.inet_aton("198.51.100.1")
    + struct.pack(">HH", 50000, 443)
)
SIX = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + struct.pack(">HH", 50000, 443)
)
TLV = b"\x04\x00\x05hello"
GOOD = {
    "line, IPv4": (LINE, CLIENT, SERVER),
    "line, IPv6": (
        b"PROXY TCP6 2001:DB8::7 ::1 50000 443\r\n",
        ("2001:db8::7", 50000),
        ("::1", 443),
    ),
    "line, unknown": (b"PROXY UNKNOWN\r\n", None, None),
    "line, unknown with addresses": (b"PROXY UNKNOWN ffff:f::1 ffff:f::2 1 2\r\n", None, None),
    "binary, IPv4": (binary(FOUR), CLIENT, SERVER),
    "binary, IPv6": (binary(SIX, 0x21), ("2001:db8::7", 50000), ("2001:db8::1", 443)),
    "binary, with TLVs": (binary(FOUR + TLV), CLIENT, SERVER),
    "binary, local": (binary(b"", 0x00, 0x20), None, None),
    "binary, local with addresses": (binary(FOUR, 0x11, 0x20), None, None),
    "binary, unspecified": (binary(b"junk", 0x00), None, None),
    "binary, datagrams": (binary(FOUR, 0x12), None, None),
    "binary, as long as it may be": (binary(FOUR + bytes(MAX_SIZE - 28)), CLIENT, SERVER),
}
BAD = {
    "HTTP": GET,
    "TLS": b"\x16\x03\x01\x02\x00",
    "another word": b"PROXX",
    "no protocol": b"PROXY \r\n",
    "an unknown protocol": b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "an address of another kind": b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
    "no address": b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
    "a port that is too large": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
    "two spaces": b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
    "a bare LF": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n" + bytes(80),
    "a line without an end": b"PROXY UNKNOWN" + b"x" * 94,
    "another signature": SIGNATURE[:-1] + b"x",
    "version 1 in binary": binary(FOUR, 0x11, 0x11),
    "version 3": binary(FOUR, 0x11, 0x31),
    "an unknown command": binary(FOUR, 0x11, 0x22),
    "addresses cut short": binary(FOUR[:-1]),
    "a block of no bytes": binary(b""),
    "one byte too many": binary(FOUR, length=MAX_SIZE - 15),
    "a length of 65535": binary(b"", length=65535),
}


class TestParse:
    pytestmark = pytest.mark.one_form

    @pytest.mark.parametrize("name", GOOD)
    def test_a_header_is_read_up_to_its_end(self, name):
        data, client, server = GOOD[name]
        assert parse(data + GET) == Header(len(data), client, server)

    @pytest.mark.parametrize("name", GOOD)
    def test_a_part_of_a_header_waits_for_the_rest(self, name):
        data, _, _ = GOOD[name]
        for size in range(len(data)):
            assert parse(data[:size]) is None

    @pytest.mark.parametrize("name", BAD)
    def test_what_is_no_header_is_refused(self, name):
        with pytest.raises(BadHeader):
            parse(BAD[name])

    def test_a_client_on_a_unix_socket_has_no_address(self):
        data = binary(b"/run/here".ljust(108, b"\0") * 2, 0x31)
        assert parse(data) == Header(len(data), None, None, nameless=True)
        with pytest.raises(BadHeader, match="too short"):
            parse(binary(bytes(215), 0x31))

    @given(st.binary(max_size=60))
    def test_any_bytes_are_a_header_or_none_or_refused(self, data):
        for begin in (b"", b"PROXY ", SIGNATURE, SIGNATURE + b"\x21\x11"):
            try:
                header = parse(begin + data)
            except BadHeader:
                continue
            assert header is None or 8 <= header.size <= len(begin + data)


def app(request):
    return Response(200, f"{request.client} {request.server}")


class Told(Sock):
    def init(self, ref):
        return str(ref.request.client)


@pytest.mark.usefixtures("reactor_kind")
class TestServer:
    @pytest.fixture
    def answer(self, run_async, connect):
        """Send bytes, or several pieces one after the other, and return all that comes back."""

        def answer(*pieces, **options):
            async def act():
                with_proxy = {"proxy_protocol": True} | options
                async with sock.serve(app, **with_proxy) as server, await connect(server) as client:
                    for piece in pieces:
                        client.send(piece)
                        await client.writer.drain()
                        await asyncio.sleep(0)
                    try:
                        return await client.rest()
                    except ConnectionResetError:
                        return b""

            return run_async(act())

        return answer

    @pytest.mark.parametrize("name", ["line, IPv4", "line, IPv6", "binary, IPv4", "binary, IPv6"])
    def test_the_request_has_the_addresses_that_the_proxy_names(self, answer, name):
        data, client, server = GOOD[name]
        assert answer(data + GET).endswith(f"{client} {server}".encode())

    def test_a_header_may_come_byte_by_byte(self, answer):
        data = GOOD["binary, with TLVs"][0]
        pieces = [data[at : at + 1] for at in range(len(data))]
        assert answer(*pieces, GET).endswith(f"{CLIENT} {SERVER}".encode())

    @pytest.mark.parametrize("name", ["binary, local", "line, unknown", "binary, unspecified"])
    def test_a_check_of_the_proxy_keeps_the_proxys_address(self, answer, name):
        assert b"('127.0.0.1', " in answer(GOOD[name][0] + GET)

    @pytest.mark.parametrize("name", BAD)
    def test_a_broken_header_closes_the_connection_and_is_told_once(self, answer, events, name):
        assert answer(BAD[name]) == b""
        [told] = [fields for event, fields in events if event == "proxy.refused"]
        assert told["client"][0] == "127.0.0.1"

    def test_a_header_that_does_not_come_in_time_closes_the_connection(self, answer, events):
        assert answer(LINE[:20], options=Options(handshake_timeout=0.2)) == b""
        [told] = [fields for event, fields in events if event == "proxy.refused"]
        assert told["detail"] == "no whole header came in time"

    def test_others_than_trusted_proxies_speak_http_at_once(self, answer):
        others = {"forwarded_allow_ips": "10.0.0.0/8"}
        assert b"('127.0.0.1', " in answer(GET, **others)
        assert answer(LINE + GET, **others).startswith(b"HTTP/1.1 501 ")  # "PROXY" is no method

    def test_forwarded_fields_are_those_of_the_client_that_the_proxy_names(self, answer):
        forged = GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
        assert str(CLIENT).encode() in answer(LINE + forged)

    def test_a_connection_has_the_address_and_messages_behind_the_header_are_kept(
        self, run_async, connect
    ):
        async def act():
            async with (
                sock.serve(Told, proxy_protocol=True) as server,
                await connect(server) as peer,
            ):
                upgrade = (
                    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                peer.send(LINE + upgrade)
                assert (await peer.answer()).status == 101
                assert str(CLIENT) in str(await peer.next())

        run_async(act())

    def test_a_drain_closes_a_connection_whose_header_has_not_come(self, run_async, connect):
        async def act():
            async with sock.serve(app, proxy_protocol=True) as server:
                async with await connect(server) as client:
                    while not server.http_connections:
                        await asyncio.sleep(0)
                    await server.drain(20)
                    assert await client.over()

        run_async(act())
