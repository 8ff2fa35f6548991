"""Holes and repetitions."""

import pytest

from sock.pubsub.heard import Heard, Order

pytestmark = pytest.mark.one_form

NEXT, HOLE, REPEATED = Order.NEXT, Order.HOLE, Order.REPEATED


@pytest.mark.parametrize(
    ("sequences", "orders"),
    [
        ([7, 8, 9], [NEXT, NEXT, NEXT]),
        ([7, 9, 10], [NEXT, HOLE, NEXT]),
        ([7, 7, 6, 8], [NEXT, REPEATED, REPEATED, NEXT]),
        ([7, 1, 2], [NEXT, NEXT, NEXT]),
        ([0, 0, 5, 0, 6], [NEXT, NEXT, NEXT, NEXT, NEXT]),
    ],
)
def test_each_message_follows_the_one_before_it(sequences, orders):
    heard = Heard()
    assert [heard.order(b"sender", one) for one in sequences] == orders


def test_each_sender_counts_by_itself_and_a_told_hole_is_not_told_again():
    heard = Heard()
    assert heard.order(b"one", 1) is heard.order(b"two", 5) is NEXT
    heard.told()
    assert heard.order(b"one", 9) is heard.order(b"two", 9) is NEXT
    assert heard.order(b"one", 11) is HOLE


def test_what_was_sent_before_a_told_hole_and_comes_late_is_no_news():
    heard = Heard()
    heard.order(b"one", 5)
    heard.told()
    heard.told()
    assert heard.order(b"one", 4) is REPEATED
    assert heard.order(b"one", 9) is NEXT


def test_senders_that_were_silent_longest_are_forgotten():
    heard = Heard()
    for number in range(2000):
        heard.order(b"alive", number + 1)
        heard.order(b"%d" % number, 1)
    assert heard.order(b"alive", 2002) is HOLE
    assert heard.order(b"3", 9) is NEXT  # forgotten
