"""RFC 6455 §5.3: masking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.wire.mask import rotate, unmask


def by_the_book(payload: bytes, key: bytes) -> bytes:
    """RFC 6455 §5.3: octet i is XORed with octet i MOD 4 of the key."""
    return bytes(octet ^ key[index % 4] for index, octet in enumerate(payload))


def test_the_example_of_the_rfc():
    """RFC 6455 §5.7."""
    assert unmask(b"\x7f\x9f\x4d\x51\x58", b"\x37\xfa\x21\x3d") == b"Hello"


@pytest.mark.parametrize(
    "size", [0, 1, 2, 3, 4, 5, 127, 128, 129, 4095, 4096, 8191, 8192, 8193, 12288, 20001]
)
def test_every_size_is_unmasked_by_the_book(size):
    payload = bytes(index * 7 % 256 for index in range(size))
    assert unmask(payload, b"\x01\x80\xff\x00") == by_the_book(payload, b"\x01\x80\xff\x00")


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_is_its_own_inverse(payload, key):
    assert unmask(payload, key) == by_the_book(payload, key)
    assert unmask(unmask(payload, key), key) == payload


@given(st.binary(max_size=40), st.binary(min_size=4, max_size=4), st.integers(0, 40))
def test_a_rotated_key_goes_on_where_the_first_part_ended(payload, key, cut):
    head, tail = payload[:cut], payload[cut:]
    assert unmask(head, key) + unmask(tail, rotate(key, len(head))) == unmask(payload, key)
