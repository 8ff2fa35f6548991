"""Mistakes, put into words."""

import pytest

from sock.engine.wording import described


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "'int'"),
        (None, "'NoneType'"),
        ({}, "a dict (was a JsonSock meant?)"),
        ((n for n in ()), "a generator (was `async def` meant?)"),
    ],
)
def test_a_value_is_named_by_its_type_and_its_usual_cause(value, words):
    assert described(value) == words
