"""A message that arrives in parts: the edges of its limits, and of its characters."""

import os
import tracemalloc
import zlib

import pytest

from sock import InvalidData, MessageTooBig
from sock.wire.assembly import Assembly
from sock.wire.stream import Deflater, Inflater


def new_assembly(*, text=False, inflater=None, max_size=100, max_fragments=10):
    return Assembly(text=text, inflater=inflater, max_size=max_size, max_fragments=max_fragments)


def test_a_message_waits_for_nothing_before_its_first_frame():
    message = new_assembly()
    assert message.left == 0
    assert not message.final


def test_the_sizes_of_all_frames_are_added_up():
    """RFC 6455 §10.4."""
    message = new_assembly(max_size=10)
    for _ in range(2):
        message.begin_frame(4, b"", final=False)
        message.add(b"four")
    with pytest.raises(MessageTooBig):
        message.begin_frame(4, b"", final=True)


# --- compressed -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 100, 8000, 200_000])
def test_a_message_of_the_limit_that_cannot_be_compressed_arrives(size):
    """RFC 7692 §7.2.1: such a message is longer on the wire than the limit."""
    payload = os.urandom(size)
    deflater = Deflater(15, takeover=False, memory_level=1, threshold=0)
    packed = deflater.deflate(payload)
    assert len(packed) > size
    message = new_assembly(inflater=Inflater(15, takeover=False), max_size=size)
    message.begin_frame(len(packed), b"", final=True)
    message.add(packed)
    assert message.finish() == payload


@pytest.mark.parametrize(("limit", "allowed"), [(0, 1024), (800, 800 + 100 + 1024)])
def test_the_compressed_bytes_are_limited_on_the_head_of_a_frame(limit, allowed):
    """RFC 6455 §10.4: an eighth more than the message may have, and 1 KiB."""
    message = new_assembly(inflater=Inflater(15, takeover=False), max_size=limit)
    message.begin_frame(allowed, b"", final=False)
    message = new_assembly(inflater=Inflater(15, takeover=False), max_size=limit)
    with pytest.raises(MessageTooBig, match=f"more than {limit} bytes"):
        message.begin_frame(allowed + 1, b"", final=False)


def test_the_error_about_an_inflated_message_names_the_limit(peer):
    message = new_assembly(inflater=Inflater(15, takeover=False), max_size=10)
    packed = peer.squeeze(bytes(11))
    message.begin_frame(len(packed), b"", final=True)
    with pytest.raises(MessageTooBig, match="more than 10 bytes"):
        message.add(packed)


def test_final_blocks_are_counted_like_fragments(peer):
    """RFC 7692 §7.2.3.4."""
    packed = peer.final_block(b"a") * 4
    message = new_assembly(inflater=Inflater(15, takeover=False), max_fragments=2)
    message.begin_frame(len(packed), b"", final=True)
    with pytest.raises(MessageTooBig, match="2 fragments"):
        message.add(packed)


def test_a_bomb_behind_most_of_a_message_is_inflated_as_far_as_there_is_room():
    """RFC 6455 §10.4."""
    limit = 1_000_000
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    most = stream.compress(bytes(limit - 10)) + stream.flush(zlib.Z_SYNC_FLUSH)
    bomb = stream.compress(bytes(20 * limit)) + stream.flush(zlib.Z_SYNC_FLUSH)
    message = new_assembly(inflater=Inflater(15, takeover=False), max_size=limit)
    message.begin_frame(len(most) + len(bomb), b"", final=True)
    tracemalloc.start()
    message.add(most)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    with pytest.raises(MessageTooBig):
        message.add(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < limit // 2


# --- text -----------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["\ud7ff", "\ue000", "\u1800", "\u0800", "\U0010ffff"])
def test_a_character_beside_the_surrogates_may_lie_across_pieces(character):
    """RFC 3629 §4: ED is followed by 80 to 9F, and any other head by bytes up to BF."""
    encoded = character.encode()
    message = new_assembly(text=True)
    message.begin_frame(len(encoded), b"", final=True)
    for octet in encoded:
        message.add(bytes((octet,)))
    assert message.finish() == character


@pytest.mark.parametrize("second", [0xA0, 0xBF])
def test_a_surrogate_is_refused_before_its_third_byte(second):
    """RFC 3629 §3."""
    message = new_assembly(text=True)
    message.begin_frame(3, b"", final=True)
    with pytest.raises(InvalidData):
        message.add(bytes((0xED, second)))
