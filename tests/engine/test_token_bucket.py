"""So many a second on average, and some more at once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.engine.token_bucket import TokenBucket

pytestmark = pytest.mark.one_form

RATES = st.floats(0.01, 1000)
CAPACITIES = st.floats(1, 100)
STEPS = st.lists(st.floats(0, 10), max_size=60)


@given(RATES, CAPACITIES, STEPS)
def test_in_no_time_more_is_taken_than_the_capacity_and_the_rate_allow(rate, capacity, steps):
    now, taken = 0.0, []
    bucket = TokenBucket(rate, capacity, now)
    for step in steps:
        now += step
        if bucket.take(now):
            taken.append(now)
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            allowed = capacity + rate * (taken[last] - begin)
            assert last - first + 1 <= allowed * (1 + 1e-9) + 1e-6


@given(RATES, CAPACITIES, STEPS)
def test_who_waits_as_long_as_is_said_gets_a_token(rate, capacity, steps):
    now = 0.0
    bucket = TokenBucket(rate, capacity, now)
    for step in steps:
        now += step
        if not bucket.take(now):
            wait = bucket.wait(now)
            assert 0 < wait <= 1 / rate + 1e-9
            now += wait * (1 + 1e-9) + 1e-9
            assert bucket.take(now)


def test_it_begins_full_and_is_never_fuller():
    bucket = TokenBucket(rate=1, capacity=3, now=0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(1000) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_goes_back_gives_and_takes_nothing():
    bucket = TokenBucket(rate=1, capacity=1, now=10)
    assert bucket.take(10)
    assert not bucket.take(5)
    assert math.isclose(bucket.wait(10), 1)
