"""What waits while something is under way, as a client sees it, by raw frames."""

import asyncio
from typing import Any

import pytest

from sock.channels import (
    Closed,
    Draining,
    Duplicate,
    on,
)
from sock.channels.lifecycle import SHUTDOWN_TIMEOUT
from tests.channels.room import JOIN, Room, refusal, reply

pytestmark = pytest.mark.one_form


def test_what_comes_while_a_join_is_under_way_is_handled_behind_it_in_order(serve):
    class Slow(Room):
        async def join(self, topic: str, params: dict[str, Any]):
            await asyncio.sleep(1)

    client = serve(Slow).raw()
    assert (
        client.say(
            JOIN,
            ["1", "2", "room:1", "echo", {"n": 1}],
            ["1", "3", "room:1", "phx_leave", {}],
            ["4", "4", "room:1", "phx_join", {}],
        )
        == []
    )
    client.session.advance(1)
    assert client.heard() == [
        reply("1", "1", {}),
        reply("1", "2", {"n": 1}),
        reply("1", "3", {}),
        ["1", "1", "room:1", "phx_close", {}],
    ]
    client.session.advance(1)
    assert client.heard() == [reply("4", "4", {})]


def test_a_second_join_waits_five_seconds_for_what_is_under_way(serve):
    class Slow(Room):
        @on("sleep")
        async def sleep(self, seconds: float):
            await asyncio.sleep(seconds)
            return {}

    client = serve(Slow).raw(pongs=True)
    client.say(JOIN)
    assert client.say(["1", "2", "room:1", "sleep", 3], ["2", "3", "room:1", "phx_join", {}]) == []
    client.session.advance(3)
    assert client.heard() == [
        reply("1", "2", {}),
        reply("2", "3", {}),
        ["1", "1", "room:1", "phx_close", {}],
    ]
    client.say(
        ["2", "4", "room:1", "sleep", 1000],
        ["2", "5", "room:1", "echo", {}],
        ["6", "6", "room:1", "phx_join", {}],
        ["6", "7", "room:1", "echo", {}],
    )
    client.session.advance(SHUTDOWN_TIMEOUT - 0.5)
    assert client.heard() == []
    client.session.advance(1)
    assert client.heard() == [
        reply("6", "6", {}),
        ["2", "2", "room:1", "phx_close", {}],
        reply("6", "7", {}),
    ]
    assert Slow.ended == [Duplicate(), Duplicate()]


def test_a_client_that_gives_up_a_slow_join_and_joins_again_is_let_in(serve):
    """phoenix.js leaves after ten seconds, and joins again."""

    class Slow(Room):
        async def join(self, topic: str, params: dict[str, Any]):
            await asyncio.sleep(params.get("seconds", 0))

    client = serve(Slow).raw(pongs=True)
    client.say(["1", "1", "room:1", "phx_join", {"seconds": 25}])
    client.session.advance(10)
    client.say(["1", "2", "room:1", "phx_leave", {}], ["3", "3", "room:1", "phx_join", {}])
    client.session.advance(SHUTDOWN_TIMEOUT + 1)
    assert client.heard() == [
        refusal("1", "1", "join crashed"),
        reply("1", "2", {}),
        reply("3", "3", {}),
    ]


def test_a_drain_lets_what_is_under_way_answer_then_says_1012(serve):
    class Slow(Room):
        @on("sleep")
        async def sleep(self, seconds: float):
            await asyncio.sleep(seconds)
            self.push("late", {})
            return {"slept": seconds}

    client = serve(Slow).raw()
    client.say(JOIN, ["1", "2", "room:1", "sleep", 2])
    client.session.shutdown(timeout=10)
    client.session.advance(2)
    assert client.heard() == [
        ["1", None, "room:1", "late", {}],
        reply("1", "2", {"slept": 2.0}),
    ]
    assert client.session.code == 1012
    assert Slow.ended == [Draining()]


def test_what_is_under_way_when_the_connection_is_lost_is_cancelled_before_terminate(serve):
    class Slow(Room):
        @on("sleep")
        async def sleep(self, seconds: float):
            try:
                await asyncio.sleep(seconds)
            finally:
                self.ended.append("cancelled")

    client = serve(Slow).raw()
    client.say(JOIN, ["1", "2", "room:1", "sleep", 100])
    client.session.lose()
    assert Slow.ended == ["cancelled", Closed(client.session.reason)]


@pytest.fixture
def stuck(serve):
    class Slow(Room):
        @on("sleep")
        async def sleep(self, seconds: float):
            await asyncio.sleep(seconds)

        def handle_info(self, info): ...

        def after_join(self):
            refs.append(self.ref)

    refs = []
    client = serve(Slow, max_waiting=3).raw()
    client.say(JOIN, ["1", "2", "room:1", "sleep", 1])
    client.ref = refs[0]
    client.kind = Slow
    return client


def test_one_event_more_than_may_wait_is_answered_with_an_error(stuck):
    assert stuck.say(*(["1", str(n), "room:1", "echo", {}] for n in range(3, 8))) == [
        refusal("1", "6", "too many events waiting"),
        refusal("1", "7", "too many events waiting"),
    ]
    stuck.session.advance(1)
    assert stuck.heard() == [reply("1", n, {}) for n in "345"]


def test_one_join_or_leave_more_than_may_wait_ends_the_connection(stuck):
    stuck.say(*(["1", "3", "room:1", "phx_leave", {}] for _ in range(4)))
    assert (stuck.session.code, stuck.session.detail) == (1008, "too many joins and leaves wait")


def test_one_info_more_than_may_wait_ends_the_channel(stuck, events):
    stuck.heard()
    for number in range(4):
        stuck.ref.send(number)
    stuck.session.advance(1)
    assert stuck.heard() == [["1", "1", "room:1", "phx_error", {"reason": "channel_crash"}]]
    assert "infos wait" in str(stuck.kind.ended[0].error)
