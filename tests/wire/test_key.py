"""RFC 6455 §4.2.2: the answer to a key."""

from base64 import b64encode
from hashlib import sha1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.wire.key import accept_token


def test_the_example_of_the_rfc():
    """RFC 6455 §1.3."""
    assert accept_token("dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def expected(key):
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return b64encode(sha1((key + guid).encode(), usedforsecurity=False).digest())


@given(st.text(max_size=200))
def test_it_is_the_sha1_of_key_and_guid_in_base64(key):
    assert accept_token(key) == expected(key)


@pytest.mark.parametrize("size", range(201))
def test_a_key_of_any_length_has_an_answer(size):
    # A handshake's has 24; but what is compiled must not refuse what its twin answers.
    key = ("0123456789" * 21)[:size]
    assert accept_token(key) == expected(key)
