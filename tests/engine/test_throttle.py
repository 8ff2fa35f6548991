"""How fast the messages of one peer may come, without a clock."""

from __future__ import annotations

import pytest

from sock import RateExceeded, RateLimit
from sock.engine.throttle import Throttle


def test_what_is_within_the_limit_does_not_wait():
    throttle = Throttle(RateLimit(messages=2, burst=3), now=0)
    assert [throttle.take(100, now=0) for _ in range(6)] == [0] * 6


def test_what_is_beyond_it_waits_until_the_average_is_kept():
    throttle = Throttle(RateLimit(messages=2, burst=1), now=0)
    assert [throttle.take(100, now=0) for _ in range(4)] == [0, 0, 0.5, 1]
    assert throttle.take(100, now=1.5) == 0


def test_bytes_are_counted_beside_messages_and_the_longer_wait_counts():
    throttle = Throttle(RateLimit(messages=10, bytes=100, burst=1), now=0)
    assert throttle.take(100, now=0) == 0
    assert throttle.take(50, now=0) == 0.5
    assert throttle.take(0, now=5) == 0


def test_a_message_larger_than_the_burst_is_taken_and_paid_for():
    throttle = Throttle(RateLimit(bytes=100, burst=1), now=0)
    assert throttle.take(1100, now=0) == 10


def test_one_message_may_always_come_at_once():
    throttle = Throttle(RateLimit(messages=0.1, burst=1), now=0)
    assert throttle.take(1, now=0) == 0
    assert throttle.take(1, now=0) == pytest.approx(10)


def test_the_error_of_a_peer_that_is_sent_away_names_the_limit():
    throttle = Throttle(RateLimit(messages=2, close=True), now=0)
    assert throttle.closes
    error = throttle.exceeded()
    assert isinstance(error, RateExceeded)
    assert error.code == 1008
    assert str(error) == "more than 2 messages a second, those of 10 s at once (RFC 6455 §7.4.1)"
