"""A mailbox that was full and has been emptied. Rule 11."""

import pytest

from sock.engine import Kind, Mailbox


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_as_many_infos_as_before_may_wait_when_all_were_taken(limit):
    mailbox = Mailbox(limit)
    for _ in range(3):
        assert [mailbox.put_info("info") for _ in range(limit + 1)] == [True] * limit + [False]
        while mailbox:
            mailbox.take()


def test_an_info_costs_nothing_whether_it_waits_or_was_taken():
    mailbox = Mailbox(None)
    mailbox.put(Kind.MESSAGE, "abc", 3)
    mailbox.put_info("info")
    before = mailbox.ahead
    mailbox.take()
    assert mailbox.ahead == 0 < before
    mailbox.take()
    assert mailbox.ahead == 0
