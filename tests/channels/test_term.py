"""Erlang's term format; the bytes are those of `:erlang.term_to_binary` on Erlang 25."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sock.channels.term import Atom, decode, encode

pytestmark = pytest.mark.one_form

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**2040) + 1, 2**2040 - 1)
    | st.floats(allow_nan=False)
    | st.text()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.lists(inner).map(tuple),
)


@settings(max_examples=50)
@given(VALUES)
def test_what_is_written_is_read_as_the_same(value):
    assert decode(encode(value)) == value


@settings(max_examples=50)
@given(VALUES, st.data())
def test_a_term_that_is_cut_off_is_refused(value, data):
    whole = encode(value)
    with pytest.raises(ValueError, match=r"cut off|begin"):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.binary())
def test_any_bytes_are_a_value_or_refused(data):
    with contextlib.suppress(ValueError, RecursionError):
        decode(b"\x83" + data)


@pytest.mark.parametrize(
    ("value", "term"),
    [
        (255, "8361ff"),
        (256, "836200000100"),
        (-1, "8362ffffffff"),
        (2**31, "836e040000000080"),
        (-(2**31) - 1, "836e040101000080"),
        (3.5, "8346400c000000000000"),
        ("é", "836d00000002c3a9"),
        ((), "836800"),
        ([256], "836c00000001620000010 06a".replace(" ", "")),
        ({"a": 1}, "8374000000016d00000001616101"),
    ],
)
def test_a_value_is_written_as_erlang_writes_it(value, term):
    assert encode(value).hex() == term


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("83640002 6f6b", "ok"),  # an atom as Erlang 25 writes it
        ("8377026f6b", "ok"),  # … and as 26 does
        ("8373026f6b", "ok"),
        ("837600026f6b", "ok"),
        ("836400036e696c", None),
        ("836b0003010203", [1, 2, 3]),
        ("836900000001 6101", (1,)),
    ],
)
def test_other_forms_of_a_term_are_read(term, value):
    assert decode(bytes.fromhex(term)) == value


def test_an_atom_stays_one():
    assert encode(decode(encode(Atom("infinity")))) == b"\x83\x77\x08infinity"


@pytest.mark.parametrize(
    ("term", "what"),
    [
        ("8367", "tag 103"),  # a process
        ("836c00000001610161 01", "a tail"),
        ("83610101", "behind"),
        ("837400000001 6a6a", "a key of a map"),
    ],
)
def test_what_is_not_in_the_table_is_refused(term, what):
    with pytest.raises(ValueError, match=what):
        decode(bytes.fromhex(term))
