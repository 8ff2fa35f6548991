from random import Random

import pytest

from sock.testing.wire import Fell, raw
from sock.testing.wire.inflating import Deflating, Inflating

pytestmark = pytest.mark.one_form


def test_messages_may_refer_to_earlier_ones():
    server = Deflating(Inflating({}))
    client = Inflating({})
    for _ in range(3):
        assert client.inflate(server.deflate(b"the same " * 10)) == b"the same " * 10


def test_a_reference_that_the_answer_excludes_falls():
    server = Deflating(Inflating({}))
    client = Inflating({"server_no_context_takeover": None})
    assert client.inflate(server.deflate(b"the same " * 10))
    with pytest.raises(Fell, match="server_no_context_takeover"):
        client.inflate(server.deflate(b"the same " * 10))


def test_a_reference_beyond_the_window_that_was_agreed_on_falls():
    text = Random(1).randbytes(800) * 2
    assert Inflating({"server_max_window_bits": "10"}).inflate(raw.deflated(text)) == text
    with pytest.raises(Fell, match="server_max_window_bits"):
        Inflating({"server_max_window_bits": "9"}).inflate(raw.deflated(text))
    small = raw.deflated(text, bits=9)
    assert Inflating({"server_max_window_bits": "9"}).inflate(small) == text


def test_a_final_block_ends_nothing():
    client = Inflating({})
    assert client.inflate(raw.deflated(b"final", final=True)) == b"final"
    assert client.inflate(raw.deflated(b"next")) == b"next"
