"""A message between two processes."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.pubsub.envelope import VERSION, Envelope, coder, opened

pytestmark = pytest.mark.one_form


def packed(*items):
    return msgspec.msgpack.encode(items)


GOOD = (VERSION, b"12345678", 1, "room", 0, b"hello")


def test_an_envelope_comes_back_as_it_was():
    envelope = Envelope(*GOOD)
    assert opened(coder(), coder().encode(envelope)) == envelope


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x91" * 100_000,
        packed(*GOOD)[:-1],
        packed(*GOOD) + b"x",
        packed(2, *GOOD[1:]),
        packed(*GOOD, 1),
        packed(VERSION),
        packed(VERSION, b"short", *GOOD[2:]),
        packed(VERSION, GOOD[1], -1, *GOOD[3:]),
        packed(VERSION, GOOD[1], True, *GOOD[3:]),
        msgspec.msgpack.encode({"version": 1}),
    ],
)
def test_what_is_none_is_an_error_that_can_be_counted(data):
    with pytest.raises(ValueError, match="envelope"):
        opened(coder(), data)


@given(st.binary())
def test_no_bytes_do_any_other_harm(data):
    with contextlib.suppress(ValueError):
        opened(coder(), data)
