"""Mistakes, put into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.engine.wording import described, fitting


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "'int'"),
        (None, "'NoneType'"),
        ({}, "'dict'"),
        ((n for n in ()), "a generator (was `async def` meant?)"),
    ],
)
def test_a_value_is_named_by_its_type_and_its_usual_cause(value, words):
    assert described(value) == words


def test_a_text_that_fits_is_left_as_it_is():
    """RFC 6455 §5.5."""
    assert fitting("") == ""
    assert fitting("x" * 123) == "x" * 123


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_text_is_cut_to_123_bytes_between_two_characters(text):
    """RFC 6455 §5.5, §8.1."""
    cut = fitting(text)
    assert text.startswith(cut)
    assert len(cut.encode()) <= 123
    left = text[len(cut) :]
    assert not left or len((cut + left[0]).encode()) > 123
