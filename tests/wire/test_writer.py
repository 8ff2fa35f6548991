"""RFC 6455 §5, seen from the sender: messages in, frames out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sock import Compression, Ping, Pong, Prepared, Text
from sock.wire.deflate import Agreement
from sock.wire.frame import Close
from sock.wire.stream import Deflater
from sock.wire.writer import Writer


def pushed(message, writer=None):
    out = bytearray()
    (writer or Writer()).push(out, message)
    return bytes(out)


def new_deflater(bits=15, *, takeover=False, memory_level=8, threshold=0):
    return Deflater(bits, takeover=takeover, memory_level=memory_level, threshold=threshold)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Hello", b"\x81\x05Hello"),  # RFC 6455 §5.7
        ("", b"\x81\x00"),
        (b"Hello", b"\x82\x05Hello"),
        (b"", b"\x82\x00"),
        (bytearray(b"ab"), b"\x82\x02ab"),
        (memoryview(b"ab"), b"\x82\x02ab"),
        (memoryview(b"abcdef")[::2], b"\x82\x03ace"),
        (memoryview(b"abcd").cast("H"), b"\x82\x04abcd"),
        (Text("č".encode()), b"\x81\x02\xc4\x8d"),
        (Ping(b"p"), b"\x89\x01p"),
        (Pong(), b"\x8a\x00"),
        (Prepared("a"), b"\x81\x01a"),
        (Prepared(b"a"), b"\x82\x01a"),
        ("a" * 125, b"\x81\x7d" + b"a" * 125),
        ("a" * 126, b"\x81\x7e\x00\x7e" + b"a" * 126),
        (b"a" * 65535, b"\x82\x7e\xff\xff" + b"a" * 65535),
        ("a" * 65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + b"a" * 65536),
    ],
)
def test_each_message_is_one_frame(message, expected):
    """RFC 6455 §5.2."""
    assert pushed(message) == expected


def test_frames_are_appended_in_order():
    out = bytearray(b"before")
    writer = Writer()
    writer.push(out, "a")
    writer.push(out, b"b")
    writer.close(out, 1000)
    assert bytes(out) == b"before\x81\x01a\x82\x01b\x88\x02\x03\xe8"


@pytest.mark.parametrize("deflater", [None, new_deflater()])
@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("\ud800", UnicodeEncodeError),
        (Prepared("\udfff"), UnicodeEncodeError),
        (7, TypeError),
        (None, TypeError),
        (["a"], TypeError),
    ],
)
def test_what_cannot_be_sent_leaves_nothing_behind(message, error, deflater):
    out = bytearray(b"before")
    with pytest.raises(error):
        Writer(deflater=deflater).push(out, message)
    assert out == b"before"


# --- Close ----------------------------------------------------------------------------------


def test_a_close_without_a_code_is_empty():
    """RFC 6455 §5.5.1."""
    out = bytearray()
    Writer().close(out, None)
    assert out == b"\x88\x00"


def test_a_detail_is_cut_off_between_two_characters():
    """RFC 6455 §5.5: a control frame holds 125 bytes, two are the code."""
    out = bytearray()
    Writer().close(out, 1002, "a" + "č" * 100)
    assert out == b"\x88\x7d\x03\xea" + b"a" + "č".encode() * 61
    out = bytearray()
    Writer().close(out, 1002, "č" * 100)
    assert out == b"\x88\x7c\x03\xea" + "č".encode() * 61


@pytest.mark.parametrize("code", [999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_a_code_that_may_not_travel_is_never_sent(code):
    """RFC 6455 §7.4."""
    out = bytearray()
    with pytest.raises(ValueError, match=r"§7\.4\.2"):
        Writer().close(out, code)
    assert out == b""


def test_a_detail_with_a_lone_surrogate_leaves_nothing_behind():
    out = bytearray()
    with pytest.raises(UnicodeEncodeError):
        Writer().close(out, 1000, "\ud800")
    assert out == b""


# --- a client's -----------------------------------------------------------------------------


def test_a_client_masks_each_frame_with_a_new_key(peer):
    """RFC 6455 §5.3."""
    keys = iter([b"abcd", b"efgh", b"ijkl", b"mnop"])
    writer = Writer(mask=lambda: next(keys))
    out = bytearray()
    writer.push(out, "Hello")
    writer.push(out, Ping(b"p"))
    writer.push(out, Prepared("x" * 300))
    writer.close(out, 1000)
    assert bytes(out) == (
        peer.frame(0x81, b"Hello", b"abcd")
        + peer.frame(0x89, b"p", b"efgh")
        + peer.frame(0x81, b"x" * 300, b"ijkl")
        + peer.frame(0x88, b"\x03\xe8", b"mnop")
    )


# --- compression ----------------------------------------------------------------------------


def test_messages_of_the_threshold_are_compressed_and_shorter_ones_are_not():
    """RFC 7692 §6.1: RSV1 says which."""
    writer = Writer(deflater=new_deflater(threshold=10))
    assert pushed("a" * 9, writer) == b"\x81\x09" + b"a" * 9
    assert pushed("a" * 10, writer)[0] == 0xC1
    assert pushed(b"a" * 10, writer)[0] == 0xC2
    assert pushed(Text(b"a" * 10), writer)[0] == 0xC1
    assert pushed(memoryview(b"a" * 10), writer)[0] == 0xC2


def test_control_frames_are_never_compressed():
    """RFC 7692 §6.1."""
    writer = Writer(deflater=new_deflater())
    out = bytearray()
    writer.push(out, Ping(b"a" * 100))
    writer.push(out, Pong(b"a" * 100))
    writer.close(out, 1000, "a" * 100)
    assert (out[0], out[102], out[204]) == (0x89, 0x8A, 0x88)


# --- Prepared -------------------------------------------------------------------------------


def test_a_prepared_message_is_encoded_once_for_each_way_of_sending_it():
    prepared = Prepared("score " * 50)
    pushed(prepared, Writer())
    pushed(prepared, Writer(deflater=new_deflater()))
    first = [id(frames) for frames in prepared.encodings.values()]
    plain = [pushed(prepared, Writer()) for _ in range(3)]
    packed = [pushed(prepared, Writer(deflater=new_deflater())) for _ in range(3)]
    assert len(set(plain)) == len(set(packed)) == 1
    assert plain[0] != packed[0]
    assert [id(frames) for frames in prepared.encodings.values()] == first
    assert len(first) == 2


def test_a_prepared_message_is_not_shared_where_settings_differ():
    prepared = Prepared("score " * 50)
    kinds = [
        new_deflater(),
        new_deflater(bits=9),
        new_deflater(memory_level=1),
        new_deflater(threshold=10_000),
    ]
    assert len({deflater.variant for deflater in kinds}) == len(kinds)
    assert pushed(prepared, Writer(deflater=kinds[0]))[0] == 0xC1
    assert pushed(prepared, Writer(deflater=kinds[3]))[0] == 0x81


def test_with_takeover_a_prepared_message_is_compressed_for_each_connection(new_parser, peer):
    """RFC 7692 §7.1.1: what it may refer to is another one for each connection."""
    prepared = Prepared("score " * 50)
    agreement = Agreement()
    writer = Writer(deflater=agreement.deflater(Compression(threshold=0)))
    first = pushed(prepared, writer)
    second = pushed(prepared, writer)
    assert len(second) < len(first)
    parser = new_parser(masked=False, inflater=agreement.swapped().inflater())
    assert peer.feed(parser, first + second) == ["score " * 50] * 2


# --- and back -------------------------------------------------------------------------------

messages = st.lists(
    st.text(max_size=200)
    | st.binary(max_size=200)
    | st.builds(Ping, st.binary(max_size=125))
    | st.builds(Pong, st.binary(max_size=125))
    | st.integers(120, 140).map(lambda size: "a" * size)
    | st.sampled_from([b"x" * 65535, "x" * 65536]),
    max_size=8,
)


@settings(deadline=None)
@given(messages, st.booleans(), st.sampled_from([None, (True, 15), (False, 12), (True, 9)]))
def test_a_parser_after_a_writer_is_identity(new_parser, peer, sent, client, compressed):
    writer_ends, parser_ends = {}, {}
    if compressed:
        takeover, bits = compressed
        writer_ends["deflater"] = new_deflater(bits, takeover=takeover, threshold=20)
        agreement = Agreement(not takeover, not takeover, bits, bits)
        parser_ends["inflater"] = agreement.inflater()
    writer = Writer(mask=(lambda: b"\x01\x02\x03\x04") if client else None, **writer_ends)
    parser = new_parser(masked=client, **parser_ends)
    out = bytearray()
    for message in sent:
        writer.push(out, message)
    writer.close(out, 1000, "bye")
    assert peer.feed(parser, bytes(out)) == [*sent, Close(1000, "bye")]
