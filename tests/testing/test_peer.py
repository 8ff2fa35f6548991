import pytest

from sock import Compression, Ping, Pong, ProtocolError, testing
from sock.testing import Close, Peer, frame

ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)


@pytest.fixture
def live_peer():
    peer = Peer(testing.request())
    assert peer.feed(ANSWER + b"\r\n") == []
    return peer


def test_it_asks_as_the_request_says():
    hello = Peer(testing.request("/a?b", headers={"X-C": "d"})).hello()
    assert hello.startswith(b"GET /a?b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n")
    assert hello.endswith(b"\r\nX-C: d\r\n\r\n")


def test_its_frames_are_masked():
    data = Peer(testing.request()).encoded("hi", b"hi", Ping(b"hi"), Pong(b"hi"))
    assert data == b"".join(frame(opcode, b"hi") for opcode in (1, 2, 9, 10))


def test_it_closes_with_any_code_or_none():
    peer = Peer(testing.request())
    assert peer.closing(1000, "é") == frame(8, b"\x03\xe8\xc3\xa9")
    assert peer.closing(1006) == frame(8, b"\x03\xee")
    assert peer.closing(None) == frame(8)


def test_a_frame_may_be_anything():
    assert frame(3, b"x", fin=False, rsv=7, masked=False) == b"\x73\x01x"


def test_it_reads_the_head_of_the_answer(live_peer):
    assert live_peer.head.status == 101
    assert live_peer.head.headers["upgrade"] == "websocket"


def test_it_hears_what_comes_however_it_is_cut(live_peer):
    payloads = [(1, b"h\xc3\xa9"), (2, bytes(300)), (9, b"p"), (10, b""), (8, b"\x03\xe8bye")]
    data = b"".join(frame(opcode, payload, masked=False) for opcode, payload in payloads)
    heard = [one for byte in data for one in live_peer.feed(bytes([byte]))]
    assert heard == ["hé", bytes(300), Ping(b"p"), Pong(), Close(1000, "bye")]
    assert live_peer.close == Close(1000, "bye")


def test_it_hears_long_messages(live_peer):
    assert live_peer.feed(frame(2, bytes(70_000), masked=False)) == [bytes(70_000)]


def test_it_keeps_the_body_of_an_ordinary_answer():
    peer = Peer(testing.request())
    assert peer.feed(b"HTTP/1.1 404 Not Found\r\nX-A:  b\r\n\r\nno") == []
    peer.feed(b"thing")
    assert (peer.head.status, peer.head.headers["x-a"], peer.body) == (404, "b", b"nothing")


def test_a_masked_frame_is_the_hosts_fault(live_peer):
    with pytest.raises(ProtocolError, match="masked"):
        live_peer.feed(frame(1, b"hi"))


def test_a_frame_behind_the_close_is_the_hosts_fault(live_peer):
    with pytest.raises(ProtocolError, match="behind the Close"):
        live_peer.feed(frame(8, masked=False) + frame(1, b"hi", masked=False))


def test_an_answer_to_another_key_is_the_hosts_fault():
    peer = Peer(testing.request(headers={"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}))
    with pytest.raises(ProtocolError, match="another key"):
        peer.feed(ANSWER + b"\r\n")


def test_an_extension_that_was_not_offered_is_the_hosts_fault():
    peer = Peer(testing.request())
    with pytest.raises(ProtocolError, match="not offered"):
        peer.feed(ANSWER + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")


def test_what_is_no_http_is_the_hosts_fault():
    with pytest.raises(ProtocolError, match="status line"):
        Peer(testing.request()).feed(b"SSH-2.0-OpenSSH\r\n\r\n")


def test_it_compresses_when_that_was_agreed_on():
    peer = Peer(testing.request(), compression=Compression(threshold=1))
    assert b"Sec-WebSocket-Extensions: permessage-deflate" in peer.hello()
    extensions = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10\r\n\r\n"
    peer.feed(ANSWER + extensions)
    assert peer.encoded("hello")[0] == 0xC1
