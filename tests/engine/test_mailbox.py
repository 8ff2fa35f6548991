"""What waits for a callback. Rules 3 and 11."""

from hypothesis import given
from hypothesis import strategies as st

from sock.engine import Kind, Mailbox
from sock.engine.mailbox import ENTRY_OVERHEAD
from sock.engine.size import size_of


def drained(mailbox):
    taken = []
    while mailbox:
        taken.append(mailbox.take())
    return taken


def test_entries_come_out_in_the_order_in_which_they_came_in():
    """Rule 3."""
    mailbox = Mailbox(None)
    mailbox.put(Kind.MESSAGE, "a", 1)
    mailbox.put_info("b")
    mailbox.put(Kind.CONTROL, "c", 0)
    assert len(mailbox) == 3
    assert drained(mailbox) == [(Kind.MESSAGE, "a"), (Kind.INFO, "b"), (Kind.CONTROL, "c")]
    assert not mailbox
    assert len(mailbox) == 0


def test_each_entry_of_the_peer_costs_its_bytes_and_an_overhead():
    """Limits, "Messages": a flood of empty ones is bounded too."""
    mailbox = Mailbox(None)
    mailbox.put(Kind.MESSAGE, "", 0)
    mailbox.put(Kind.CONTROL, b"abc", 3)
    mailbox.put_info("x" * 1000)
    assert mailbox.ahead == 2 * ENTRY_OVERHEAD + 3
    mailbox.take()
    assert mailbox.ahead == ENTRY_OVERHEAD + 3


def test_no_more_infos_are_kept_than_may_wait():
    """Rule 11."""
    mailbox = Mailbox(2)
    assert mailbox.put_info(1)
    mailbox.put(Kind.MESSAGE, "not counted", 11)
    assert mailbox.put_info(2)
    assert not mailbox.put_info(3)
    assert mailbox.take() == (Kind.INFO, 1)
    assert mailbox.put_info(4)
    assert [value for _, value in drained(mailbox)] == ["not counted", 2, 4]


def test_without_a_limit_any_number_of_infos_may_wait():
    mailbox = Mailbox(None)
    assert all(mailbox.put_info(n) for n in range(5000))


def test_a_mailbox_that_is_cleared_is_as_new():
    mailbox = Mailbox(1)
    mailbox.put_info(1)
    mailbox.put(Kind.MESSAGE, "a", 1)
    mailbox.clear()
    assert not mailbox
    assert mailbox.ahead == 0
    assert mailbox.put_info(2)


def test_the_most_that_ever_waited_is_remembered():
    mailbox = Mailbox(max_infos=None)
    for count in (1, 3, 2):
        for _ in range(count):
            mailbox.put_info("info")
        mailbox.clear()
    assert mailbox.high_water == 3


def test_a_kind_names_its_callback():
    assert [kind.value for kind in Kind] == ["handle_in", "handle_control", "handle_info"]


@given(st.lists(st.one_of(st.none(), st.integers(), st.text(), st.binary())))
def test_what_waits_costs_what_was_put_and_not_taken(steps):
    """Rule 11."""
    mailbox = Mailbox(3)
    costs, infos = [], 0
    for step in steps:
        if step is None:
            if costs:
                infos -= mailbox.take()[0] is Kind.INFO
                costs.pop(0)
        elif isinstance(step, int):
            kept = mailbox.put_info(step)
            assert kept is (infos < 3)
            infos += kept
            costs += [0] * kept
        else:
            mailbox.put(Kind.MESSAGE, step, size_of(step))
            costs.append(size_of(step) + ENTRY_OVERHEAD)
        assert mailbox.ahead == sum(costs)
        assert len(mailbox) == len(costs)
        assert bool(mailbox) is bool(costs)
