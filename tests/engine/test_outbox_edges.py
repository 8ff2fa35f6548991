"""A peer that has taken all that was pending. Rule 11."""

from sock.engine import NEVER, Outbox


def test_a_peer_for_whom_nothing_was_pending_has_the_whole_time_again():
    outbox = Outbox(100, 30)
    assert outbox.due(now=5, pending=10, taken=0) == 35
    assert outbox.due(now=20, pending=0, taken=0) == NEVER
    assert outbox.due(now=100, pending=10, taken=0) == 130
