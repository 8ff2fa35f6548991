"""What the presences of different processes say to each other."""

from __future__ import annotations

import pytest

from sock.pubsub.presence.message import (
    ASK,
    BEAT,
    CHANGE,
    LINGERING,
    MAX_PART,
    opener,
    packer,
    parts,
)

pytestmark = pytest.mark.one_form

NODE = b"8 bytes!"


@pytest.mark.parametrize(
    "said",
    [
        (ASK, NODE),
        (BEAT, NODE, 7),
        (CHANGE, NODE, 1, [[1, "room", "ada", b"{}"], [2, 0.0]]),
        (LINGERING, NODE, [[NODE, 1, "room", "ada", b"{}", 2.5]]),
    ],
)
def test_a_message_comes_back_as_it_was(said):
    assert opener()(packer()(said)) == said


def test_no_part_is_larger_than_a_message_may_be_and_nothing_is_left_out():
    entries = [(at, "room", "ä" * (at % 1000), b"x" * (at * 37 % 4000)) for at in range(500)]
    groups = list(parts(entries))
    assert [entry for part in groups for entry in part] == entries
    assert len(groups) > 2
    assert all(len(packer()((CHANGE, NODE, 1, part))) <= MAX_PART for part in groups)
    assert list(parts([])) == []
