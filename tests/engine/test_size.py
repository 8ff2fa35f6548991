"""How many bytes a message is: in memory while it waits, and on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock import Ping, Pong, Prepared, Text
from sock.engine.size import encoded_size, size_of


@pytest.mark.parametrize("message", ["", "ascii", b"", b"\xff" * 300])
def test_the_size_of_what_takes_a_byte_each_is_its_length(message):
    assert size_of(message) == encoded_size(message) == len(message)


@given(st.text(st.characters(codec="utf-8", min_codepoint=0x10000), min_size=1))
def test_the_size_of_a_text_is_no_less_than_its_utf8(text):
    assert size_of(text) >= len(text.encode())


@given(st.text(st.characters(codec="utf-8")))
def test_the_encoded_size_of_a_text_is_that_of_its_utf8(text):
    assert encoded_size(text) == encoded_size(Prepared(text)) == len(text.encode())


@pytest.mark.parametrize(
    "message",
    [
        *("1234", b"1234", bytearray(b"1234"), Text(b"1234"), Prepared("1234"), Prepared(b"1234")),
        *(Ping(b"1234"), Pong(b"1234"), memoryview(b"12345678").cast("H"), "\u20ac1"),
    ],
)
def test_the_encoded_size_of_any_message_is_that_of_its_payload(message):
    assert encoded_size(message) == (8 if isinstance(message, memoryview) else 4)


def test_a_lone_surrogate_has_no_encoded_size():
    with pytest.raises(UnicodeEncodeError):
        encoded_size("\ud800")
