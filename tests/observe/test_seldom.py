"""Lines that strangers can cause are due once an hour."""

from __future__ import annotations

import pytest

from sock.observe import seldom


@pytest.fixture(autouse=True)
def begin_again():
    """Forget what other tests have shown, and what these do."""
    seldom.begin_again()
    yield
    seldom.begin_again()


def test_a_line_is_due_once_an_hour():
    times = (0.0, 1.0, 3599.0, 3600.0, 3601.0, 9000.0)
    assert [seldom.is_due("a", now) for now in times] == [True, False, False, True, False, True]


def test_each_event_has_an_hour_of_its_own():
    assert seldom.is_due("a", 0.0)
    assert seldom.is_due("b", 0.0)


def test_the_log_of_another_server_begins_again():
    assert seldom.is_due("a", 0.0)
    seldom.begin_again()
    assert seldom.is_due("a", 0.0)
