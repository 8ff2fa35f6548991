"""Who is here under each topic, and what has changed."""

from __future__ import annotations

import pytest

from sock.pubsub import Diff, Meta
from sock.pubsub.presence.roster import Roster

pytestmark = pytest.mark.one_form

ONE, TWO = Meta("1", "one"), Meta("2", "two")


@pytest.fixture
def roster():
    return Roster({"room"}.__contains__, lambda: None)


def test_entries_are_listed_by_key_and_in_the_order_of_their_names(roster):
    for meta in (TWO, ONE):
        roster.join("room", "ada", meta)
    roster.join("other", "bob", ONE)
    assert roster.present("room") == {"ada": [ONE, TWO]}
    assert roster.count("room", "ada") == 2
    roster.leave("room", "ada", "1")
    roster.leave("room", "ada", "1")
    roster.leave("room", "ada", "2")
    assert roster.present("room") == {}
    assert roster.count("room", "ada") == 0


def test_a_diff_has_what_is_different_and_no_more(roster):
    roster.join("room", "ada", ONE)
    assert roster.taken_diffs() == [Diff("room", {"ada": [ONE]}, {})]
    roster.join("room", "bob", TWO)
    roster.leave("room", "bob", "2")
    roster.leave("room", "ada", "1")
    roster.join("room", "ada", ONE)
    assert roster.taken_diffs() == []
    roster.leave("room", "ada", "1")
    roster.join("room", "ada", TWO)
    assert roster.taken_diffs() == [Diff("room", {"ada": [TWO]}, {"ada": [ONE]})]


def test_nothing_is_kept_for_a_topic_that_nobody_watches(roster):
    roster.join("other", "ada", ONE)
    assert roster.taken_diffs() == []
