"""How fast the messages of one peer may come: what may be asked for."""

from __future__ import annotations

import copy

import pytest

from sock import RateLimit

pytestmark = pytest.mark.one_form


def test_a_limit_is_of_messages_or_of_bytes_or_of_both():
    assert RateLimit(messages=5).bytes is None
    assert RateLimit(bytes=5).messages is None
    with pytest.raises(ValueError, match=r"^a RateLimit limits messages, bytes or both$"):
        RateLimit(burst=5)


@pytest.mark.parametrize("field", ["messages", "bytes", "burst"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_rate_is_more_than_nothing_and_finite(field, value):
    with pytest.raises(ValueError, match=f"^{field} is more than 0 and finite, not "):
        RateLimit(**{"messages": 1, field: value})


@pytest.mark.parametrize("field", ["messages", "bytes", "burst"])
@pytest.mark.parametrize("value", [True, "5"])
def test_a_rate_is_a_number(field, value):
    with pytest.raises(TypeError, match=f"^{field} is a number, not "):
        RateLimit(**{"messages": 1, field: value})


def test_a_burst_is_a_number_and_not_none():
    with pytest.raises(TypeError, match=r"^burst is a number, not None$"):
        RateLimit(messages=1, burst=None)


def test_a_burst_is_at_least_a_second():
    assert RateLimit(messages=1, burst=1).burst == 1
    with pytest.raises(ValueError, match=r"^burst is at least 1 s, not 0\.9$"):
        RateLimit(messages=1, burst=0.9)


def test_whether_to_close_is_said_by_a_bool():
    with pytest.raises(TypeError, match=r"^close is a bool, not 1008$"):
        RateLimit(messages=1, close=1008)


def test_a_limit_is_a_value():
    limit = RateLimit(messages=1, bytes=2.5, burst=3, close=True)
    assert copy.deepcopy(limit) == limit
    assert limit.in_words() == "1 messages and 2.5 bytes a second, those of 3 s at once"
