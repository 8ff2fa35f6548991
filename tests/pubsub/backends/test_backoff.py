"""When a broker is tried again."""

import pytest

from sock.pubsub.backends.backoff import FIRST, LONGEST, Backoff

pytestmark = pytest.mark.one_form


def test_pauses_lie_anywhere_within_a_time_that_doubles_up_to_the_longest(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    backoff = Backoff()
    pauses = [backoff.pause() for _ in range(8)]
    assert pauses == [FIRST, 0.2, 0.4, 0.8, 1.6, 3.2, LONGEST, LONGEST]
    backoff.reset()
    assert backoff.pause() == FIRST


def test_two_processes_come_back_at_different_times():
    assert Backoff().pause() != Backoff().pause()
