"""RFC 6455 §5, seen from the server: bytes in, events out."""

import sys
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sock import InvalidData, MessageTooBig, Ping, Pong, ProtocolError, native
from sock.wire.frame import Close
from sock.wire.stream import Inflater

FIN, RSV1 = 0x80, 0x40
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def fresh_inflater(bits=15, takeover=True):
    return Inflater(bits, takeover=takeover)


class Counted(bytes):
    """Bytes that count how many of them were copied out."""

    copied = 0

    def __getitem__(self, key):
        got = super().__getitem__(key)
        if isinstance(key, slice):
            type(self).copied += len(got)
        return got


counts_copies = pytest.mark.skipif(
    native.ACTIVE, reason="counts the slices of a subclass, which the compiled parser does not take"
)


# --- messages -------------------------------------------------------------------------------


def test_the_example_of_the_rfc(new_parser, peer):
    """RFC 6455 §5.7."""
    assert peer.feed(new_parser(), bytes.fromhex("818537fa213d7f9f4d5158")) == ["Hello"]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 63, 125, 126, 127, 1000, 65535, 65536, 200_000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_of_any_size_arrives(new_parser, peer, size, opcode):
    payload = bytes(65 + index % 26 for index in range(size))
    expected = payload.decode() if opcode == TEXT else payload
    framed = peer.frame(FIN | opcode, payload)
    for step in (None, 1000):
        events = peer.feed(new_parser(), framed, step)
        assert events == [expected]
        assert type(events[0]) is type(expected)


def test_many_messages_of_one_read_arrive_in_order(new_parser, peer):
    words = ["", "a", "b" * 200, "č" * 30, "c" * 70000, "d"]
    data = b"".join(peer.frame(FIN | TEXT, word.encode()) for word in words)
    assert peer.feed(new_parser(), data) == words


def test_a_fragmented_message_is_one(new_parser, peer):
    """RFC 6455 §5.4."""
    data = (
        peer.frame(TEXT, "a č".encode()[:3])
        + peer.frame(CONTINUATION)
        + peer.frame(FIN | CONTINUATION, "a č".encode()[3:])
        + peer.frame(BINARY, b"x")
        + peer.frame(FIN | CONTINUATION)
    )
    assert peer.feed(new_parser(), data) == ["a č", b"x"]


def test_control_frames_between_fragments_arrive_first(new_parser, peer):
    """RFC 6455 §5.4: "Control frames MAY be injected in the middle of a fragmented message"."""
    data = (
        peer.frame(TEXT, b"a")
        + peer.frame(FIN | PING, b"p" * 125)
        + peer.frame(FIN | PONG)
        + peer.frame(FIN | CONTINUATION, b"b")
    )
    assert peer.feed(new_parser(), data) == [Ping(b"p" * 125), Pong(), "ab"]


def test_a_key_of_zeros_and_changing_keys_are_unmasked(new_parser, peer):
    """RFC 6455 §5.3."""
    keys = [bytes(4), b"\xff\x00\xff\x00", b"abcd"]
    data = b"".join(peer.frame(FIN | TEXT, b"Hello", key) for key in keys)
    assert peer.feed(new_parser(), data) == ["Hello"] * 3


def test_a_client_takes_unmasked_frames(new_parser, peer):
    """RFC 6455 §5.1."""
    data = peer.frame(FIN | TEXT, b"hi", None) + peer.frame(FIN | PING, b"p", None)
    assert peer.feed(new_parser(masked=False), data) == ["hi", Ping(b"p")]


def test_limits_may_be_left_out(new_parser, peer):
    parser = new_parser(max_message_size=None, max_fragments=None, inflater=fresh_inflater())
    data = peer.frame(FIN | RSV1 | TEXT, peer.squeeze(b"a" * 5000)) + peer.frame(FIN | TEXT, b"b")
    assert peer.feed(parser, data) == ["a" * 5000, "b"]


# --- stopping and going on ------------------------------------------------------------------


def test_it_stops_when_deliver_says_so_and_goes_on_when_fed(new_parser, peer):
    parser = new_parser()
    taken = []

    def one(event):
        taken.append(event)
        return False

    assert parser.feed(peer.frame(FIN | TEXT, b"a") + peer.frame(FIN | PING), one) is False
    assert taken == ["a"]
    assert parser.feed(peer.frame(FIN | TEXT, b"b" * 300), one) is False
    assert parser.feed(b"", one) is False
    assert taken == ["a", Ping(), "b" * 300]
    assert parser.feed(b"", one) is True


def test_nothing_behind_the_current_message_is_looked_at(new_parser, peer):
    parser = new_parser(inflater=fresh_inflater(), max_message_size=10)
    taken = []

    def one(event):
        taken.append(event)
        return False

    bomb = peer.frame(FIN | RSV1 | TEXT, peer.squeeze(b"x" * 1000))
    assert parser.feed(peer.frame(FIN | TEXT, b"a") + bomb, one) is False
    assert taken == ["a"]
    assert not parser.finished
    parser.feed(b"", one)
    assert isinstance(taken[1], MessageTooBig)
    assert parser.finished


@counts_copies
def test_resuming_is_linear_in_the_bytes(new_parser, peer):
    """Cutting off what was delivered at each pause would copy half of all for each message."""
    Counted.copied = 0
    count = 2000
    data = Counted(peer.frame(FIN | TEXT, b"0123456789") * count)
    parser = new_parser()
    resumed = 0
    assert parser.feed(data, lambda event: False) is False
    while not parser.feed(b"", lambda event: False):
        resumed += 1
    assert resumed == count - 1
    assert Counted.copied <= 2 * len(data)


@counts_copies
def test_a_message_in_single_bytes_is_linear(new_parser, peer):
    """What is held between two feeds is a head at most, however long the message is."""
    framed = peer.frame(FIN | BINARY, bytes(5000))
    parser = new_parser()
    Counted.copied = 0
    log = peer.Log()
    for octet in framed:
        assert parser.feed(Counted((octet,)), log)
    assert log.events == [bytes(5000)]
    assert Counted.copied <= 2 * len(framed)


# --- the end --------------------------------------------------------------------------------


def test_a_close_ends_it_even_inside_a_message(new_parser, peer):
    """RFC 6455 §5.5.1; Autobahn 7.1.5: the answer is the peer's code, not 1002."""
    parser = new_parser()
    data = peer.frame(TEXT, b"a") + peer.frame(FIN | CLOSE, b"\x03\xe8bye")
    assert peer.feed(parser, data + b"\xff\xff") == [Close(1000, "bye")]
    assert parser.finished
    assert peer.feed(parser, b"") == []
    assert peer.feed(parser, peer.frame(FIN | TEXT, b"more")) == []


def test_the_last_event_returns_what_deliver_says(new_parser, peer):
    for data in (peer.frame(FIN | CLOSE), b"\x83\x80"):
        parser = new_parser()
        assert parser.feed(data, lambda event: False) is False
        assert parser.feed(b"", lambda event: False) is True


def test_a_good_message_is_delivered_before_a_bad_frame_of_the_same_read(new_parser, peer):
    """Autobahn 3.2, 4.1.3, 5.15."""
    events = peer.feed(new_parser(), peer.frame(FIN | TEXT, b"good") + b"\xf1\x80")
    assert events[0] == "good"
    assert peer.failure(events, good=1).code == 1002


def test_after_an_error_everything_is_ignored(new_parser, peer):
    parser = new_parser()
    peer.failure(peer.feed(parser, b"\x83\x80" + peer.frame(FIN | TEXT, b"a")))
    assert parser.finished
    assert peer.feed(parser, peer.frame(FIN | TEXT, b"a")) == []


# --- frames that are refused ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "section"),
    [
        *[(bytes((0x80 | code, 0x80)), "§5.2") for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        (b"\xa1\x80", "§5.2"),  # RSV2
        (b"\x91\x80", "§5.2"),  # RSV3
        (b"\xc1\x80", "§5.2"),  # RSV1, nothing agreed on
        (b"\x81\x02hi", "§5.1"),  # not masked
        (b"\x81\x7e\x00\x7e", "§5.1"),
        (b"\x09\x80", "§5.5"),  # a fragmented ping
        (b"\x89\xfe", "§5.5"),  # a ping of more than 125 bytes
        (b"\x88\xff", "§5.5"),
        (b"\x80\x80", "§5.4"),  # a continuation of nothing
        (b"\x81\xfe\x00\x7d", "§5.2"),  # 125 in two bytes
        (b"\x81\xff" + (65535).to_bytes(8, "big"), "§5.2"),  # 65535 in eight
        (b"\x82\xff" + (1 << 63).to_bytes(8, "big"), "§5.2"),  # the top bit
        (b"\x88\x81" + bytes(4) + b"\x03", "§5.5.1"),  # half a code
    ],
)
def test_a_frame_against_the_rules_fails_with_1002_and_its_section(new_parser, peer, data, section):
    """RFC 6455 §5.1, §5.2, §5.4, §5.5: as soon as the head shows it."""
    for step in (None, 1):
        error = peer.failure(peer.feed(new_parser(), data, step))
        assert type(error) is ProtocolError
        assert error.code == 1002
        assert f"(RFC 6455 {section})" in str(error)


def test_a_masked_frame_of_a_server_is_refused(new_parser, peer):
    """RFC 6455 §5.1: "A client MUST close a connection if it detects a masked frame"."""
    for payload in (b"hi", b"h" * 200):
        data = peer.frame(FIN | TEXT, payload)
        assert peer.failure(peer.feed(new_parser(masked=False), data)).code == 1002


def test_a_message_inside_another_is_refused(new_parser, peer):
    """RFC 6455 §5.4."""
    data = peer.frame(TEXT, b"a") + peer.frame(FIN | TEXT, b"b")
    assert "§5.4" in str(peer.failure(peer.feed(new_parser(), data)))


# --- UTF-8 ----------------------------------------------------------------------------------

BAD_UTF8 = [
    b"\x80",
    b"\xbf",
    b"\xc0",
    b"\xc1",
    b"\xf5",
    b"\xfe",
    b"\xff",
    b"\xc2\x20",
    b"\xe0\x9f",  # longer than needed
    b"\xed\xa0",  # a surrogate
    b"\xed\xbf",
    b"\xe1\x80\x41",
    b"\xf0\x8f",
    b"\xf4\x90",  # past U+10FFFF
    b"\xf1\x80\x80\xc0",
]


@pytest.mark.parametrize("bad", BAD_UTF8)
def test_text_fails_in_the_first_bad_byte_of_a_frame_that_has_not_arrived(new_parser, peer, bad):
    """RFC 6455 §8.1; Autobahn 6.4.3, 6.4.4: no byte after the bad one is waited for."""
    good = "κόσμε".encode()
    framed = peer.frame(FIN | TEXT, good + bad + b"a" * 100)
    upto = len(framed) - 100
    parser = new_parser()
    log = peer.Log()
    assert parser.feed(framed[: upto - 1], log)
    assert log.events == []
    parser.feed(framed[upto - 1 : upto], log)
    assert type(peer.failure(log.events)) is InvalidData
    assert log.events[0].code == 1007
    assert "RFC 6455 §8.1" in str(log.events[0])


@pytest.mark.parametrize("bad", BAD_UTF8)
def test_text_fails_at_the_end_of_the_fragment_with_the_bad_byte(new_parser, peer, bad):
    """RFC 6455 §8.1; Autobahn 6.4.1, 6.4.2."""
    data = peer.frame(TEXT, b"good " + bad)
    assert isinstance(peer.failure(peer.feed(new_parser(), data)), InvalidData)


@pytest.mark.parametrize("cut", ["€".encode()[:1], "€".encode()[:2], "😀".encode()[:3]])
@pytest.mark.parametrize("before", [b"", b"a" * 124, b"a" * 500])
def test_text_may_not_end_inside_a_character(new_parser, peer, cut, before):
    """RFC 6455 §8.1."""
    whole = peer.frame(FIN | TEXT, before + cut)
    in_two = peer.frame(TEXT, before) + peer.frame(FIN | CONTINUATION, cut)
    for data in (whole, in_two):
        assert isinstance(peer.failure(peer.feed(new_parser(), data)), InvalidData)


def test_a_bad_text_of_each_size_fails(new_parser, peer):
    for size in (0, 100, 200, 70000):
        data = peer.frame(FIN | TEXT, b"a" * size + b"\xff")
        assert isinstance(peer.failure(peer.feed(new_parser(), data)), InvalidData)


def test_binary_need_not_be_utf8(new_parser, peer):
    assert peer.feed(new_parser(), peer.frame(FIN | BINARY, b"\xff"), 1) == [b"\xff"]


# One of these completes whatever a character may begin with.
ENDINGS = (b"", b"\x80", b"\x80\x80", b"\x80\x80\x80", b"\xbf", b"\xbf\x80", b"\xbf\x80\x80")


@given(st.binary(max_size=12) | st.text(max_size=6).map(str.encode))
def test_text_is_taken_as_long_as_something_can_complete_it(new_parser, peer, payload):
    """RFC 6455 §8.1, RFC 3629 §4."""
    can_be_completed = any(is_utf8(payload + ending) for ending in ENDINGS)
    events = peer.feed(new_parser(), peer.frame(TEXT, payload))
    assert (events == []) == can_be_completed


def is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- limits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 5, 125, 126, 200, 65535, 65536, 70000])
def test_a_message_of_the_limit_arrives_and_one_byte_more_fails_on_its_head(
    new_parser, peer, limit
):
    """RFC 6455 §10.4."""
    for opcode in (TEXT, BINARY):
        parser = new_parser(max_message_size=limit)
        assert len(peer.feed(parser, peer.frame(FIN | opcode, b"a" * limit))[0]) == limit
        framed = peer.frame(FIN | opcode, b"a" * (limit + 1))
        error = peer.failure(peer.feed(parser, framed[: len(framed) - limit - 1]))
        assert isinstance(error, MessageTooBig)
        assert error.code == 1009
        assert "§10.4" in str(error)


def test_a_message_is_measured_while_it_is_reassembled(new_parser, peer):
    parser = new_parser(max_message_size=10)
    data = peer.frame(BINARY, bytes(6)) + peer.frame(CONTINUATION, bytes(5))[:6]
    assert isinstance(peer.failure(peer.feed(parser, data)), MessageTooBig)


def test_a_length_past_all_memory_is_too_big_without_any_limit(new_parser, peer):
    parser = new_parser(max_message_size=None)
    data = b"\x82\xff" + ((1 << 63) - 1).to_bytes(8, "big") + bytes(4)
    assert isinstance(peer.failure(peer.feed(parser, data)), MessageTooBig)


@pytest.mark.parametrize("payload", [b"", b"a"])
def test_fragments_are_counted_empty_ones_too(new_parser, peer, payload):
    parser = new_parser(max_fragments=3)
    three = peer.frame(BINARY, payload) + peer.frame(CONTINUATION, payload)
    three += peer.frame(FIN | CONTINUATION, payload)
    four = peer.frame(BINARY, payload) + 3 * peer.frame(CONTINUATION, payload)
    events = peer.feed(parser, three + four)
    assert events[0] == payload * 3
    assert isinstance(peer.failure(events, good=1), MessageTooBig)


# --- compression ----------------------------------------------------------------------------


def test_a_compressed_message_arrives(new_parser, peer):
    """RFC 7692 §7.2.3.1: the example."""
    parser = new_parser(inflater=fresh_inflater())
    data = peer.frame(0xC1, bytes.fromhex("f248cdc9c90700"))
    again = peer.frame(0xC1, bytes.fromhex("f200110000"))  # §7.2.3.2, with takeover
    assert peer.feed(parser, data + again) == ["Hello", "Hello"]


def test_a_compressed_message_may_be_fragmented_around_control_frames(new_parser, peer):
    """RFC 7692 §6.1, §7.2.3.1."""
    packed = peer.squeeze(b"a" * 300 + b"b")
    data = (
        peer.frame(RSV1 | BINARY, packed[:3])
        + peer.frame(FIN | PING, b"p")
        + peer.frame(CONTINUATION)
        + peer.frame(FIN | CONTINUATION, packed[3:])
    )
    parser = new_parser(inflater=fresh_inflater())
    assert peer.feed(parser, data) == [Ping(b"p"), b"a" * 300 + b"b"]


def test_plain_messages_pass_between_compressed_ones(new_parser, peer):
    """RFC 7692 §6.1: compression is a choice for each message."""
    parser = new_parser(inflater=fresh_inflater())
    packed = peer.frame(FIN | RSV1 | TEXT, peer.squeeze(b"packed"))
    data = peer.frame(FIN | TEXT, b"plain") + packed + peer.frame(FIN | TEXT, b"plain")
    assert peer.feed(parser, data) == ["plain", "packed", "plain"]


@pytest.mark.parametrize("first", [FIN | RSV1 | PING, FIN | RSV1 | CONTINUATION])
def test_rsv1_on_any_other_frame_is_refused(new_parser, peer, first):
    """RFC 7692 §6.1."""
    parser = new_parser(inflater=fresh_inflater())
    data = peer.frame(RSV1 | TEXT, b"") + peer.frame(first)
    error = peer.failure(peer.feed(parser, data))
    assert error.code == 1002
    assert "RFC 7692 §6.1" in str(error)


def test_compressed_bytes_are_bounded_on_the_wire(new_parser, peer):
    """Empty blocks become nothing, however many come."""
    parser = new_parser(max_message_size=800, inflater=fresh_inflater())
    empty = b"\x00\x00\x00\xff\xff"
    data = peer.frame(RSV1 | BINARY, empty * 100)
    data += peer.frame(CONTINUATION, empty * 300)
    assert isinstance(peer.failure(peer.feed(parser, data)), MessageTooBig)
    parser = new_parser(max_message_size=800, inflater=fresh_inflater())
    data = peer.frame(FIN | RSV1 | BINARY, bytes(800 + 100 + 1024 + 1))
    assert isinstance(peer.failure(peer.feed(parser, data[:8])), MessageTooBig)


@pytest.mark.parametrize("step", [None, 1])
def test_inflating_stops_one_byte_past_the_limit(new_parser, peer, step):
    bomb = peer.frame(FIN | RSV1 | BINARY, peer.squeeze(bytes(10_000_000)))
    parser = new_parser(max_message_size=10_000, inflater=fresh_inflater())
    tracemalloc.start()
    error = peer.failure(peer.feed(parser, bomb, step))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(error, MessageTooBig)
    assert peak < 300_000


def test_a_compressed_message_of_the_limit_arrives(new_parser, peer):
    parser = new_parser(max_message_size=1000, inflater=fresh_inflater())
    exact = peer.frame(FIN | RSV1 | BINARY, peer.squeeze(bytes(1000)))
    assert peer.feed(parser, exact) == [bytes(1000)]


def test_inflated_text_fails_in_the_first_bad_byte(new_parser, peer):
    """RFC 6455 §8.1, RFC 7692 §6.2: what is inflated is checked as it comes."""
    stream = new_parser(inflater=fresh_inflater())
    data = peer.frame(RSV1 | TEXT, peer.squeeze(b"good \xff"))
    assert isinstance(peer.failure(peer.feed(stream, data)), InvalidData)


@pytest.mark.parametrize("packed", [b"\xff\xff\xff", b"\x06", b"", b"\xf2\x48\xcd"])
def test_broken_or_truncated_compression_fails_with_1007(new_parser, peer, packed):
    """RFC 7692 §7.2.2, RFC 6455 §7.4.1."""
    parser = new_parser(inflater=fresh_inflater())
    error = peer.failure(peer.feed(parser, peer.frame(FIN | RSV1 | BINARY, packed)))
    assert type(error) is InvalidData
    assert error.code == 1007


def test_every_truncation_of_a_message_fails(new_parser, peer):
    """RFC 7692 §7.2.2: none of its beginnings is a message of its own."""
    packed = peer.squeeze(b"the quick brown fox jumps over the lazy dog " * 3)
    for size in range(len(packed)):
        parser = new_parser(inflater=fresh_inflater())
        data = peer.frame(FIN | RSV1 | TEXT, packed[:size])
        assert isinstance(peer.failure(peer.feed(parser, data)), InvalidData), size


# --- any split, any bytes -------------------------------------------------------------------


class Shapes:
    """Strategies for what a client may send, good and bad."""

    payloads = st.binary(max_size=20) | st.text(max_size=10).map(str.encode)
    long = st.integers(120, 300).map(lambda size: b"x" * size)
    first_bytes = st.sampled_from(
        [0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A, 0xC1, 0xC2, 0x41, 0x42, 0x88, 0x83]
    )


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(Shapes.first_bytes, Shapes.payloads | Shapes.long, st.booleans()), max_size=8
    ),
    st.binary(max_size=3),
    st.lists(st.integers(1, 40), max_size=30),
    st.sampled_from([True, False, None]),
    st.sampled_from([15, 60, 4096]),
)
def test_any_split_of_the_same_bytes_gives_the_same_events(
    new_parser, peer, shapes, rest, cuts, takeover, limit
):
    frames = []
    for first, payload, pack in shapes:
        packed = peer.squeeze(payload) if pack else payload
        frames.append(peer.frame(first, packed[:125] if first & 8 else packed))
    data = b"".join(frames) + rest

    def parser():
        inflater = None if takeover is None else fresh_inflater(takeover=takeover)
        return new_parser(max_message_size=limit, max_fragments=3, inflater=inflater)

    whole, split, single, paused = (peer.Log() for _ in range(4))
    parser().feed(data, whole)
    splitter, start = parser(), 0
    for cut in [*cuts, len(data)]:
        splitter.feed(data[start : start + cut], split)
        start += cut
    splitter = parser()
    for index in range(len(data)):
        splitter.feed(data[index : index + 1], single)
    splitter = parser()
    done = splitter.feed(data, lambda event: not paused(event))
    while not done:
        done = splitter.feed(b"", lambda event: not paused(event))
    assert whole.kinds == split.kinds == single.kinds == paused.kinds


@given(st.lists(st.binary(max_size=60), max_size=6), st.booleans(), st.booleans())
def test_no_bytes_raise_out_of_feed(new_parser, peer, pieces, compressed, masked):
    parser = new_parser(inflater=fresh_inflater() if compressed else None, masked=masked)
    log = peer.Log()
    for piece in pieces:
        assert parser.feed(piece, log)
    assert sum(isinstance(event, (ProtocolError, Close)) for event in log.events) <= 1


# --- memory ---------------------------------------------------------------------------------


def test_an_idle_parser_is_small_and_holds_no_buffer(new_parser, peer):
    begun, rest = b"\x81", peer.frame(FIN | TEXT, b"next")[1:]
    held = []
    for _ in range(5):  # another thread may take memory at the same time
        parser = new_parser()
        assert sys.getsizeof(parser) < 200
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        parser.feed(peer.frame(FIN | BINARY, bytes(100_000)) + begun, lambda event: True)
        held.append(tracemalloc.get_traced_memory()[0] - before)
        tracemalloc.stop()
        assert peer.feed(parser, rest) == ["next"]
    assert min(held) < 500


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_a_flood_of_tiny_fragments_holds_one_buffer(new_parser, peer, payload):
    """A million tiny fragments must not cost 100 bytes each."""
    parser = new_parser(max_fragments=None)
    flood = peer.frame(CONTINUATION, payload) * 1000
    tracemalloc.start()
    parser.feed(peer.frame(BINARY, payload), lambda event: True)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        parser.feed(flood, lambda event: True)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 2 * 20_000 * max(len(payload), 1)


def test_a_message_that_comes_in_single_bytes_holds_one_buffer(new_parser, peer):
    parser = new_parser()
    framed = peer.frame(FIN | TEXT, b"x" * 20_000)[:-1]
    # Coverage notes what runs for the first time, which takes memory too.
    other = new_parser()
    for octet in framed:
        other.feed(bytes((octet,)), lambda event: True)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for octet in framed:
        parser.feed(bytes((octet,)), lambda event: True)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 1.5 * 20_000
