import zlib

import pytest

from sock.testing.wire import Target, raw

pytestmark = pytest.mark.one_form

HERE = Target("127.0.0.1", 80, "/chat")


def test_a_handshake_has_what_a_handshake_needs():
    head = raw.request(HERE).decode()
    assert head.startswith("GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    assert head.endswith("Sec-WebSocket-Version: 13\r\n\r\n")


def test_fields_are_changed_left_out_and_added():
    head = raw.request(HERE, {"Host": None, "Upgrade": "h2c"}, "X: y", line="POST / HTTP/1.0")
    assert b"Host" not in head
    assert b"Upgrade: h2c" in head
    assert head.startswith(b"POST / HTTP/1.0\r\n")
    assert head.endswith(b"\r\nX: y\r\n\r\n")


def test_a_length_may_take_more_bytes_than_it_needs_and_may_lie():
    assert raw.frame_of_length(raw.TEXT, b"", 2)[:4] == b"\x81\xfe\x00\x00"
    assert raw.frame_of_length(raw.TEXT, b"", 8, 1 << 62)[2:10] == b"\x40" + bytes(7)


def test_fragments_have_their_kind_first_and_their_end_last():
    firsts = [one[0] for one in raw.fragments(raw.TEXT, (b"a", b"b", b"c"), rsv=raw.RSV1)]
    assert firsts == [0x41, 0x00, 0x80]
    assert raw.fragments(raw.TEXT, (b"a",))[0][0] == 0x81


@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_compressed_message_inflates(final, level):
    stream = zlib.decompressobj(-15)
    data = raw.deflated(b"hello", level=level, final=final) + b"\x00\x00\xff\xff"
    assert stream.decompress(data) == b"hello"
    assert stream.eof is final


def test_a_bomb_is_a_thousandth_of_what_it_becomes():
    data = raw.bomb(4 << 20)
    assert len(data) < 5_000
    assert len(zlib.decompressobj(-15).decompress(data + b"\x00\x00\xff\xff")) == 4 << 20
