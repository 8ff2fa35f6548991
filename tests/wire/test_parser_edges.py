"""RFC 6455 §5: frames that are whole in one read, and what the parser keeps between two reads.

A parser has a short way for whole frames that are plain. What it must not take for such a frame is
followed here by as many bytes as would make it one.
"""

import sys

import pytest

from sock import MessageTooBig, Ping, ProtocolError
from sock.wire.stream import Inflater

FIN = 0x80
CONTINUATION, TEXT, BINARY, PING = 0, 1, 2, 9


def test_many_binary_messages_of_one_read_arrive_as_they_were_sent(new_parser, peer):
    sizes = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 200, 255, 256, 300, 1000, 65535, 65536, 126, 0]
    sent = [bytes((size + index * 7) % 256 for index in range(size)) for size in sizes]
    data = b"".join(peer.frame(FIN | BINARY, payload) for payload in sent)
    for step in (None, 70_000, 1000):
        assert peer.feed(new_parser(), data, step) == sent


@pytest.mark.parametrize("second", [0, 1, 2, 5, 124, 125, 126, 127])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [b"\x00\x80", b"\x00\x7e", b"\x00\x00"])
def test_a_whole_frame_of_a_client_that_is_not_masked_is_refused(
    new_parser, peer, second, opcode, size
):
    """RFC 6455 §5.1."""
    data = bytes((FIN | opcode, second)) + size + bytes(500)
    error = peer.failure(peer.feed(new_parser(), data))
    assert type(error) is ProtocolError
    assert "§5.1" in str(error)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [0, 1, 124, 125])
def test_a_whole_frame_whose_length_takes_two_bytes_too_many_is_refused(
    new_parser, peer, opcode, size
):
    """RFC 6455 §5.2: "the minimal number of bytes MUST be used"."""
    data = bytes((FIN | opcode, 0xFE)) + size.to_bytes(2, "big") + peer.KEY + bytes(500)
    error = peer.failure(peer.feed(new_parser(), data))
    assert type(error) is ProtocolError
    assert "§5.2" in str(error)


@pytest.mark.parametrize("size", [128 << 48, 300 << 48])
def test_a_length_of_eight_bytes_is_not_taken_for_one_of_two(new_parser, peer, size):
    """RFC 6455 §5.2."""
    data = bytes((FIN | BINARY, 0xFF)) + size.to_bytes(8, "big") + peer.KEY + bytes(500)
    assert isinstance(peer.failure(peer.feed(new_parser(), data)), MessageTooBig)


@pytest.mark.parametrize("size", [0, 5, 125, 126, 300])
@pytest.mark.parametrize("first", [FIN | CONTINUATION, CONTINUATION])
def test_a_whole_continuation_of_nothing_is_refused(new_parser, peer, first, size):
    """RFC 6455 §5.4."""
    data = peer.frame(first, bytes(size)) + peer.frame(FIN | TEXT, b"behind it")
    error = peer.failure(peer.feed(new_parser(), data))
    assert type(error) is ProtocolError
    assert "§5.4" in str(error)


# --- what is kept between two reads ---------------------------------------------------------


@pytest.mark.parametrize("kept", range(1, 20))
def test_the_beginning_of_a_frame_is_kept_and_what_came_before_it_is_not(new_parser, peer, kept):
    first, second = peer.frame(FIN | TEXT, b"first"), peer.frame(FIN | BINARY, bytes(300))
    parser = new_parser()
    assert peer.feed(parser, first + second[:kept]) == ["first"]
    assert peer.feed(parser, second[kept:]) == [bytes(300)]
    assert peer.feed(parser, first) == ["first"]


def test_a_parser_that_is_stopped_keeps_the_very_bytes_that_it_was_given(new_parser, peer):
    """A copy for each message that is taken would be quadratic in the bytes."""
    data = peer.frame(FIN | TEXT, b"word") * 5
    parser = new_parser()
    before = sys.getrefcount(data)
    assert parser.feed(data, lambda event: False) is False
    for _ in range(3):
        assert sys.getrefcount(data) == before + 1
        assert parser.feed(b"", lambda event: False) is False


def test_a_parser_that_is_stopped_behind_the_last_message_keeps_no_bytes(new_parser, peer):
    data = peer.frame(FIN | TEXT, b"a" * 1000)
    parser = new_parser()
    before = sys.getrefcount(data)
    assert parser.feed(data, lambda event: False) is False
    assert sys.getrefcount(data) == before


@pytest.mark.parametrize("last", [b"\x88\x80" + bytes(4), b"\x83\x80"], ids=["Close", "error"])
def test_a_finished_parser_keeps_no_inflater(new_parser, peer, last):
    inflater = Inflater(15, takeover=True)
    before = sys.getrefcount(inflater)
    parser = new_parser(inflater=inflater)
    peer.feed(parser, last)
    assert parser.finished
    assert sys.getrefcount(inflater) == before


# --- the long way ---------------------------------------------------------------------------


def test_a_control_frame_that_is_not_masked_ends_where_its_length_says(new_parser, peer):
    """RFC 6455 §5.1: a server does not mask."""
    data = peer.frame(FIN | PING, b"p", None) + peer.frame(FIN | TEXT, b"behind it", None)
    assert peer.feed(new_parser(masked=False), data) == [Ping(b"p"), "behind it"]


def test_a_plain_message_in_fragments_passes_where_compression_was_agreed_on(new_parser, peer):
    """RFC 7692 §6.1: RSV1 of its first frame says whether a message is compressed."""
    data = peer.frame(TEXT, b"plain ") + peer.frame(FIN | CONTINUATION, b"text")
    parser = new_parser(inflater=Inflater(15, takeover=True))
    assert peer.feed(parser, data) == ["plain text"]
