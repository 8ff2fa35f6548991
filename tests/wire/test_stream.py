"""RFC 7692 §7.2: the two ends of a compressed stream."""

import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sock import InvalidData, MessageTooBig
from sock.wire.stream import Deflater, Inflater


def inflate(inflater, *pieces, room=1 << 20, max_final_blocks=1024):
    """Inflate one message."""
    got = bytearray()
    for piece in (*pieces, Inflater.TAIL):
        for inflated in inflater.inflate(piece, room - len(got), max_final_blocks):
            got += inflated
    inflater.finish()
    return bytes(got)


def new_deflater(bits=15, *, takeover=True, memory_level=8, threshold=0):
    return Deflater(bits, takeover=takeover, memory_level=memory_level, threshold=threshold)


class Counted(bytes):
    """Bytes that count how many of them were cut out."""

    cut = 0

    def __getitem__(self, key):
        got = super().__getitem__(key)
        type(self).cut += len(got)
        return got


# --- inflating ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "packed",
    [
        "f248cdc9c90700",  # RFC 7692 §7.2.3.1
        "000500faff48656c6c6f00",  # §7.2.3.3: a block without compression
        "f348cdc9c9070000",  # §7.2.3.4: a final block
        "f248050000 00ffff cac9c90700".replace(" ", ""),  # §7.2.3.5: two blocks
    ],
)
def test_the_examples_of_the_rfc(packed):
    assert inflate(Inflater(15, takeover=True), bytes.fromhex(packed)) == b"Hello"


def test_the_example_with_takeover():
    """RFC 7692 §7.2.3.2."""
    inflater = Inflater(15, takeover=True)
    for packed in ("f248cdc9c90700", "f200110000"):
        assert inflate(inflater, bytes.fromhex(packed)) == b"Hello"


def test_without_takeover_a_message_may_not_refer_to_an_earlier_one():
    """RFC 7692 §7.1.1."""
    inflater = Inflater(15, takeover=False)
    assert inflate(inflater, bytes.fromhex("f248cdc9c90700")) == b"Hello"
    with pytest.raises(InvalidData):
        inflate(inflater, bytes.fromhex("f200110000"))


def test_the_empty_message():
    """RFC 7692 §7.2.3.6."""
    assert inflate(Inflater(15, takeover=True), b"\x00") == b""
    assert inflate(Inflater(15, takeover=True), b"\x02\x00") == b""


@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("bits", range(9, 16))
def test_any_peer_of_zlib_is_understood(peer, bits, takeover):
    """RFC 7692 §7.1.1, §7.1.2: messages longer than the window, with and without takeover."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -bits)
    inflater = Inflater(bits, takeover=takeover)
    for turn in range(6):
        message = b"".join(b"%d:%d," % (turn % 2, number) for number in range(20 * 4**turn))
        packed = peer.squeeze(message, bits, stream if takeover else None)
        assert inflate(inflater, packed[:7], packed[7:], room=len(message)) == message


def test_a_reference_past_the_window_agreed_on_is_refused(peer):
    """RFC 7692 §7.1.2.2: the answer limits the window that the client uses."""
    noise = bytes((index * index >> 3) % 251 for index in range(300))
    for bits, message in ((10, noise), (9, noise + bytes(600))):
        stream = zlib.compressobj(9, zlib.DEFLATED, -15)
        inflater = Inflater(bits, takeover=True)
        assert inflate(inflater, peer.squeeze(message, 15, stream)) == message
        again = peer.squeeze(noise, 15, stream)
        if bits == 10:
            assert inflate(inflater, again) == noise
        else:
            with pytest.raises(InvalidData):
                inflate(inflater, again)


def test_a_window_that_is_too_great_is_judged_alike_however_a_message_is_split(peer):
    """RFC 7692 §7.1.2.2: zlib by itself would refuse it in some splits only."""
    noise = bytes((index * index >> 3) % 251 for index in range(300))
    message = noise + bytes(600) + noise
    packed = peer.squeeze(message, 15)
    for cut in (len(packed) // 2, len(packed) - 1, len(packed)):
        assert inflate(Inflater(9, takeover=True), packed[:cut], packed[cut:]) == message


def test_a_window_of_256_bytes_is_read():
    """RFC 7692 §7.1.2.2: a client may ask for 8; zlib can read it, not write it."""
    assert inflate(Inflater(8, takeover=True), bytes.fromhex("f248cdc9c90700")) == b"Hello"


@pytest.mark.parametrize("packed", [b"\x06", b"\xff", b"\x00\x05\x00\x00\x00"])
def test_broken_data_is_refused(packed):
    """RFC 7692 §7.2.2."""
    with pytest.raises(InvalidData, match=r"RFC 7692 §7\.2\.2"):
        inflate(Inflater(15, takeover=True), packed)


@pytest.mark.parametrize("packed", [b"", b"\xf2\x48\xcd", b"\xf2\x48\xcd\xc9\xc9", b"\x04"])
def test_a_message_that_ends_inside_a_block_is_refused(packed):
    """RFC 7692 §7.2.2."""
    with pytest.raises(InvalidData, match=r"RFC 7692 §7\.2\.2"):
        inflate(Inflater(15, takeover=True), packed)


def test_a_message_that_was_never_begun_cannot_be_finished():
    with pytest.raises(InvalidData):
        Inflater(15, takeover=True).finish()


# --- final blocks ---------------------------------------------------------------------------


@pytest.mark.parametrize("takeover", [True, False])
def test_messages_behind_a_final_block_arrive(peer, takeover):
    """Compressed messages after a final block must not be delivered empty."""
    inflater = Inflater(15, takeover=takeover)
    for word in (b"one", b"two", b"three"):
        assert inflate(inflater, peer.final_block(word) + b"\x00") == word
        assert inflate(inflater, peer.squeeze(word)) == word


def test_blocks_behind_a_final_one_go_on_in_the_same_message(peer):
    """RFC 7692 §7.2.3.4, §7.2.1: blocks with and without BFINAL may be mixed."""
    packed = peer.final_block(b"a") + peer.final_block(b"b" * 900) + peer.squeeze(b"c")
    for size in (1, 2, 3, len(packed)):
        pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
        got = inflate(Inflater(15, takeover=True), *pieces)
        assert got == b"a" + b"b" * 900 + b"c"


def test_what_is_behind_a_final_block_does_not_refer_to_what_was_before():
    """RFC 1951 §3.2.3: the final block ends the data set."""
    inflater = Inflater(15, takeover=True)
    assert inflate(inflater, bytes.fromhex("f348cdc9c9070000")) == b"Hello"
    with pytest.raises(InvalidData):
        inflate(inflater, bytes.fromhex("f200110000"))


def test_final_blocks_are_counted(peer):
    empty = peer.final_block(b"")
    inflater = Inflater(15, takeover=True)
    for _ in range(2):  # in each message anew
        assert inflate(inflater, empty * 3 + b"\x00", max_final_blocks=3) == b""
    with pytest.raises(MessageTooBig, match="3 fragments"):
        inflate(inflater, empty * 4 + b"\x00", max_final_blocks=3)


def test_many_final_blocks_in_one_piece_are_linear(peer):
    """zlib copies what it did not use, for each final block: it must not be given all the rest."""
    for count in (500, 2000, 8000):
        Counted.cut = 0
        packed = Counted(peer.final_block(b"") * count + b"\x00")
        assert inflate(Inflater(15, takeover=True), packed, max_final_blocks=count) == b""
        assert Counted.cut <= 512 * count + len(packed)


# --- bounds and memory ----------------------------------------------------------------------


def test_no_more_than_one_byte_past_the_room_comes_out(peer):
    packed = peer.squeeze(bytes(1_000_000))
    assert len(next(Inflater(15, takeover=True).inflate(packed, 99, 1))) == 100


def test_between_messages_an_inflater_holds_its_window_at_most(peer):
    packed = peer.squeeze(bytes(range(256)) * 100, 12)
    for takeover, bound in ((True, 6000), (False, 300)):
        # Coverage notes what runs for the first time, which takes memory too.
        inflate(Inflater(12, takeover=takeover), packed)
        tracemalloc.start()
        inflater = Inflater(12, takeover=takeover)
        inflate(inflater, packed)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert held < bound


def test_a_message_without_any_output_is_fine_where_there_is_no_room():
    assert inflate(Inflater(15, takeover=True), b"\x00", room=0) == b""


# --- deflating ------------------------------------------------------------------------------


@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("bits", range(9, 16))
def test_any_peer_of_zlib_understands(bits, takeover):
    """RFC 7692 §7.2.2."""
    deflater = new_deflater(bits, takeover=takeover)
    stream = zlib.decompressobj(-bits)
    for turn in range(6):
        message = b"".join(b"%d:%d," % (turn % 2, number) for number in range(20 * 4**turn))
        if not takeover:
            stream = zlib.decompressobj(-bits)
        assert stream.decompress(deflater.deflate(message) + b"\x00\x00\xff\xff") == message


def test_with_takeover_a_repeated_message_becomes_short():
    """RFC 7692 §7.1.1."""
    message = bytes((index * index >> 3) % 251 for index in range(300))
    kept, fresh = new_deflater(), new_deflater(takeover=False)
    assert len(kept.deflate(message)) > 5 * len(kept.deflate(message))
    assert fresh.deflate(message) == fresh.deflate(message)


def test_the_threshold_decides_and_an_empty_message_is_never_worth_it():
    assert [new_deflater(threshold=3).compresses(size) for size in (0, 2, 3, 4)] == [
        False,
        False,
        True,
        True,
    ]
    assert [new_deflater(threshold=0).compresses(size) for size in (0, 1)] == [False, True]


def test_only_without_takeover_is_there_a_variant_to_share():
    assert new_deflater(takeover=True).variant is None
    assert new_deflater(takeover=False).variant == new_deflater(takeover=False).variant


@pytest.mark.parametrize("takeover", [True, False])
def test_every_kind_of_bytes_is_compressed(takeover):
    deflater = new_deflater(takeover=takeover)
    inflater = Inflater(15, takeover=takeover)
    for payload in (b"abc", bytearray(b"abc"), memoryview(b"abc")):
        assert inflate(inflater, deflater.deflate(payload)) == b"abc"


@settings(deadline=None)
@given(
    st.lists(st.binary(max_size=2000) | st.integers(1, 3000).map(bytes), max_size=8),
    st.integers(9, 15),
    st.booleans(),
    st.integers(1, 9),
    st.integers(1, 50),
)
def test_inflating_after_deflating_is_identity(messages, bits, takeover, memory_level, cut):
    deflater = new_deflater(bits, takeover=takeover, memory_level=memory_level)
    inflater = Inflater(bits, takeover=takeover)
    for message in filter(None, messages):
        packed = deflater.deflate(message)
        assert inflate(inflater, packed[:cut], packed[cut:]) == message
