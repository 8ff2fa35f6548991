"""The peer that takes nothing. Rule 11."""

import pytest

from sock.engine import NEVER, Outbox

# pending, whether full has changed, full
LEVELS = [
    (0, False, False),
    (100, False, False),
    (101, True, True),
    (5000, False, True),
    (100, False, True),
    (1, False, True),
    (0, True, False),
    (100, False, False),
]


def test_it_is_full_from_over_the_limit_until_all_was_taken():
    outbox = Outbox(100, 30)
    for pending, changed, full in LEVELS:
        assert outbox.update(pending) is changed
        assert outbox.full is full


def test_without_a_limit_it_is_never_full():
    outbox = Outbox(None, 30)
    assert not outbox.update(10**12)
    assert not outbox.full


def test_a_peer_that_takes_nothing_is_too_slow_after_the_timeout():
    outbox = Outbox(100, 30)
    assert outbox.due(now=5, pending=10, taken=0) == 35
    assert outbox.due(now=20, pending=50, taken=0) == 35
    assert outbox.due(now=34, pending=50, taken=0) == 35


def test_any_byte_taken_gives_it_the_whole_time_again():
    outbox = Outbox(100, 30)
    outbox.due(now=5, pending=10, taken=0)
    assert outbox.due(now=20, pending=9, taken=1) == 50
    assert outbox.due(now=40, pending=9, taken=1) == 50


def test_nothing_pending_is_never_too_slow():
    outbox = Outbox(100, 30)
    outbox.due(now=5, pending=10, taken=0)
    assert outbox.due(now=20, pending=0, taken=10) == NEVER
    assert outbox.due(now=100, pending=10, taken=10) == 130


@pytest.mark.parametrize("pending", [0, 10])
def test_without_a_timeout_no_peer_is_too_slow(pending):
    assert Outbox(100, None).due(now=5, pending=pending, taken=0) == NEVER
