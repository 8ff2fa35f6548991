"""What waits for a channel."""

import pytest

from sock.channels.channel_ref import ToChannel
from sock.channels.message import Message
from sock.channels.waiting import Waiting, is_control

pytestmark = pytest.mark.one_form


def message(event, payload=b"{}"):
    return Message("1", "1", "room:1", event, payload)


INFO = ToChannel(None, None, "info")


@pytest.fixture
def noted():
    return []


@pytest.fixture
def waiting(noted):
    return Waiting(noted.append)


def test_what_was_put_first_is_taken_first_and_its_bytes_are_noted(waiting, noted):
    waiting.put(message("a", b"1234"))
    waiting.put(INFO)
    assert len(waiting) == 2
    assert [waiting.take().payload, waiting.take()] == [b"1234", INFO]
    assert noted == [4, 0, -4, 0]


def test_in_front_of_a_join_only_controls_are_kept(waiting, noted):
    join, leave = message("phx_join"), message("phx_leave")
    work = [message("a"), leave, INFO, join, message("b")]
    for one in work:
        waiting.put(one)
    waiting.keep_controls(join)
    assert [waiting.take() for _ in range(len(waiting))] == [leave, join, work[-1]]
    assert sum(noted) == 0


def test_without_a_join_only_controls_are_kept_at_all(waiting):
    for one in (message("a"), message("phx_join"), message("b")):
        waiting.put(one)
    waiting.keep_controls()
    assert [waiting.take().event for _ in range(len(waiting))] == ["phx_join"]


def test_a_join_is_known_by_itself_and_not_by_its_fields(waiting):
    join = message("phx_join")
    waiting.put(join)
    assert waiting.has(join)
    assert not waiting.has(message("phx_join"))


def test_joins_and_leaves_are_controls():
    assert [is_control(message(one)) for one in ("phx_join", "phx_leave", "a")] == [
        True,
        True,
        False,
    ]
    assert not is_control(INFO)
