"""RFC 7692 §7.2: the bounds of an inflater, and the settings of a deflater."""

import tracemalloc
import zlib

import pytest

from sock import InvalidData, MessageTooBig
from sock.wire.stream import Deflater, Inflater

NOISE = bytes((index * index >> 3) % 251 for index in range(300))


def inflate(inflater, *pieces):
    """Inflate one message."""
    got = b"".join(
        inflated
        for piece in (*pieces, Inflater.TAIL)
        for inflated in inflater.inflate(piece, 1 << 20, 1024)
    )
    inflater.finish()
    return got


def test_the_final_blocks_of_the_first_message_are_counted_like_those_of_any(peer):
    empty = peer.final_block(b"")
    inflater = Inflater(15, takeover=True)
    assert list(inflater.inflate(empty * 3 + b"\x00", 100, 3)) == []
    inflater = Inflater(15, takeover=True)
    with pytest.raises(MessageTooBig):
        list(inflater.inflate(empty * 4 + b"\x00", 100, 3))


def test_the_room_is_for_all_streams_of_one_piece_together(peer):
    """RFC 7692 §7.2.3.4: what is behind a final block is inflated by another stream."""
    piece = peer.final_block(bytes(50)) + peer.squeeze(bytes(1000))
    inflater = Inflater(15, takeover=True)
    inflated = inflater.inflate(piece, 60, 10)
    assert len(next(inflated)) == 50
    assert len(next(inflated)) == 11


@pytest.mark.parametrize("length", [10, 100, 65535])
def test_a_block_without_compression_that_lacks_bytes_is_refused_at_the_end(length):
    """RFC 7692 §7.2.2: zlib takes the tail of the message for bytes of the block."""
    head = b"\x00" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little")
    inflater = Inflater(15, takeover=True)
    for piece in (head, Inflater.TAIL):
        assert len(b"".join(inflater.inflate(piece, 1000, 10))) < 10
    with pytest.raises(InvalidData, match=r"inside a block .*RFC 7692 §7\.2\.2"):
        inflater.finish()


def test_a_message_is_finished_once(peer):
    inflater = Inflater(15, takeover=True)
    assert inflate(inflater, peer.squeeze(b"a")) == b"a"
    with pytest.raises(InvalidData):
        inflater.finish()


def test_a_reference_past_the_window_is_refused_when_several_messages_have_filled_it(peer):
    """RFC 7692 §7.1.2.2."""
    for bits, between in ((10, 3), (9, 1), (9, 3)):
        stream = zlib.compressobj(9, zlib.DEFLATED, -15)
        inflater = Inflater(bits, takeover=True)
        for message in (NOISE, *[bytes(150)] * between):
            assert inflate(inflater, peer.squeeze(message, 15, stream)) == message
        again = peer.squeeze(NOISE, 15, stream)
        if 300 + 150 * between <= 1 << bits:
            assert inflate(inflater, again) == NOISE
        else:
            with pytest.raises(InvalidData):
                inflate(inflater, again)


def test_many_messages_leave_no_more_than_the_window(peer):
    packed = peer.squeeze(NOISE, 9)
    # Coverage notes what runs for the first time, which takes memory too.
    inflate(Inflater(9, takeover=True), packed)
    tracemalloc.start()
    inflater = Inflater(9, takeover=True)
    for _ in range(100):
        inflate(inflater, packed)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 3000


@pytest.mark.parametrize("memory_level", [1, 9])
@pytest.mark.parametrize("window", [9, 15])
def test_a_deflater_compresses_as_zlib_does_with_its_settings(memory_level, window):
    message = b"".join(b"%d," % (number * number) for number in range(5000))
    stream = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -window, memory_level)
    expected = stream.compress(message) + stream.flush(zlib.Z_SYNC_FLUSH)
    deflater = Deflater(window, takeover=False, memory_level=memory_level, threshold=0)
    assert deflater.deflate(message) + b"\x00\x00\xff\xff" == expected
