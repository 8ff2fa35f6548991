"""RFC 6455 §5.4: a message that arrives in parts."""

import pytest

from sock import InvalidData, MessageTooBig
from sock.wire.assembly import Assembly
from sock.wire.frame import UNLIMITED
from sock.wire.stream import Inflater


def new_assembly(*, text=False, inflater=None, max_size=100, max_fragments=10):
    return Assembly(text=text, inflater=inflater, max_size=max_size, max_fragments=max_fragments)


def test_frames_become_one_message():
    message = new_assembly(text=True)
    message.begin_frame(2, b"", final=False)
    message.add(b"a")
    assert message.left == 1
    message.add(b"b")
    message.begin_frame(1, b"", final=True)
    message.add(b"c")
    assert message.final
    assert message.left == 0
    assert message.finish() == "abc"


def test_a_masked_frame_is_unmasked_in_pieces(peer):
    """RFC 6455 §5.3."""
    masked = peer.frame(0x82, bytes(range(20)))[6:]
    message = new_assembly()
    message.begin_frame(20, peer.KEY, final=True)
    for start, stop in ((0, 3), (3, 4), (4, 4), (4, 11), (11, 20)):
        message.add(masked[start:stop])
    assert message.finish() == bytes(range(20))


def test_a_character_may_lie_across_pieces_and_frames():
    message = new_assembly(text=True)
    for octet in "€😀".encode():
        message.begin_frame(1, b"", final=False)
        message.add(bytes((octet,)))
    assert message.finish() == "€😀"


def test_a_text_must_not_end_inside_a_character():
    """RFC 6455 §8.1."""
    message = new_assembly(text=True)
    message.begin_frame(1, b"", final=True)
    message.add(b"\xe2")
    with pytest.raises(InvalidData, match=r"§8\.1"):
        message.finish()


def test_a_surrogate_fails_with_its_second_byte():
    """RFC 3629 §3: "The definition of UTF-8 prohibits encoding character numbers" of surrogates."""
    message = new_assembly(text=True)
    message.begin_frame(3, b"", final=True)
    message.add(b"\xed")
    with pytest.raises(InvalidData):
        message.add(b"\xa0")


def test_too_much_and_too_many_are_refused_on_the_head():
    """RFC 6455 §10.4."""
    message = new_assembly(max_size=10)
    message.begin_frame(10, b"", final=False)
    with pytest.raises(MessageTooBig, match="10 bytes"):
        message.begin_frame(1, b"", final=False)
    message = new_assembly(max_fragments=1)
    message.begin_frame(0, b"", final=False)
    with pytest.raises(MessageTooBig, match="1 fragments"):
        message.begin_frame(0, b"", final=False)


def test_what_is_inflated_is_measured(peer):
    message = new_assembly(inflater=Inflater(15, takeover=True), max_size=10)
    packed = peer.squeeze(bytes(11))
    message.begin_frame(len(packed), b"", final=True)
    with pytest.raises(MessageTooBig):
        message.add(packed)


def test_an_announced_length_is_added_to_nothing_before_it_is_refused():
    """RFC 6455 §5.2: 63 bits; with a byte that has arrived, the sum needs one more."""
    for limit in (1, 100, UNLIMITED):
        message = new_assembly(max_size=limit)
        message.begin_frame(1, b"", final=False)
        message.add(b"a")
        with pytest.raises(MessageTooBig):
            message.begin_frame((1 << 63) - 1, b"", final=True)
