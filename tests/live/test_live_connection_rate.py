"""What is done with a peer that sends faster than its limit allows, on each kind of connection."""

from __future__ import annotations

import asyncio

import pytest

from sock import (
    Failed,
    Options,
    Ping,
    Pong,
    RateExceeded,
    RateLimit,
    Remote,
    Shutdown,
    Sock,
    testing,
)
from sock.live.state import State
from tests.live import test_engine_connection as engine
from tests.live_bridge import Living as Bridged
from tests.live_bridge import Notes, until

FIVE = Options(rate_limit=RateLimit(messages=5, burst=1))
"""Five messages at once, and a sixth that is one too many."""


class Echo(Sock):
    def handle_in(self, message, /):
        return message

    def handle_info(self, info, /):
        return info


def test_a_peer_within_its_limit_is_never_held_back():
    with testing.open(Echo, options=FIVE) as session:
        session.receive("1", "2", "3", "4", "5")
        session.advance(1)
        session.receive("6", "7", "8", "9", "10")
        assert len(session.pushed()) == 10


def test_what_is_beyond_the_limit_waits_until_the_average_is_kept():
    """[S17.3]"""
    with testing.open(Echo, options=FIVE) as session:
        session.receive(*map(str, range(10)))
        assert session.pushed() == ["0", "1", "2", "3", "4", "5"]
        session.advance(0.4)
        heard = session.pushed()
        assert heard in (["6"], ["6", "7"])  # the host looks once in a tenth of a second
        session.advance(2)
        assert [*heard, *session.pushed()] == ["6", "7", "8", "9"]
        assert session.unread == 0


def test_bytes_are_limited_too_and_a_large_message_is_paid_for():
    """[S17.3]"""
    limit = RateLimit(bytes=1000, burst=1)
    with testing.open(Echo, options=Options(rate_limit=limit)) as session:
        session.receive("a" * 3000, "next")
        assert session.pushed() == ["a" * 3000]
        session.advance(1.9)
        assert session.pushed() == []
        session.advance(0.3)
        assert session.pushed() == ["next"]


def test_text_counts_with_its_bytes_on_the_wire():
    limit = RateLimit(bytes=6, burst=1)
    with testing.open(Echo, options=Options(rate_limit=limit)) as session:
        session.receive("€€€", "next")
        assert session.pushed() == ["€€€"]
        session.advance(0.8)
        assert session.pushed() == ["next"]


def test_pings_count_as_messages_and_are_answered_when_reading_goes_on():
    """[S17.3]"""
    with testing.open(Echo, options=FIVE) as session:
        session.receive(*[Ping(bytes([number])) for number in range(8)])
        assert session.sent() == [Pong(bytes([number])) for number in range(6)]
        session.advance(2)
        assert session.sent() == [Pong(b"\x06"), Pong(b"\x07")]


def test_infos_are_handled_while_the_peer_is_held_back():
    with testing.open(Echo, options=FIVE) as session:
        session.receive(*map(str, range(8)))
        session.pushed()
        session.info("news")
        assert session.pushed() == ["news"]


def test_the_clock_of_the_peer_stands_still_while_it_is_held_back():
    """[S12.4] [S17.3]"""
    slow = Options(rate_limit=RateLimit(messages=0.1, burst=1), idle_timeout=5, ping_interval=None)
    with testing.open(Echo, options=slow) as session:
        session.receive("1", "2")
        assert session.pushed() == ["1", "2"]
        session.advance(9)
        assert not session.closed
        session.advance(8)
        assert session.code == 3008


def test_a_close_is_seen_when_reading_goes_on():
    with testing.open(Echo, options=FIVE) as session:
        session.receive(*map(str, range(7)))
        session.close(4000)
        assert not session.closed
        session.advance(1)
        assert session.reason == Remote(4000)


def test_a_drain_reads_on_from_a_peer_that_was_held_back():
    """[S7.8]"""
    with testing.open(Echo, options=FIVE) as session:
        session.receive(*map(str, range(7)))
        session.shutdown()
        assert session.reason == Shutdown()


@pytest.mark.parametrize("end", ["lose", "stop"])
def test_an_end_while_the_peer_is_held_back_leaves_no_timer(end):
    with testing.open(Echo, options=FIVE) as session:
        session.receive(*map(str, range(7)))
        if end == "lose":
            session.lose()
        else:
            session.ref.stop()
        session.advance(20)
        assert session.reason is not None


def test_a_limit_that_closes_answers_what_came_before_and_says_1008():
    """[S17.4]"""
    limit = RateLimit(messages=2, burst=1, close=True)
    with testing.open(Echo, options=Options(rate_limit=limit)) as session:
        session.receive("1", "2", "3", "4")
        assert session.pushed() == ["1", "2"]
        assert session.code == 1008
        assert session.detail.startswith("more than 2 messages a second")
        session.close(1008)
        assert isinstance(session.reason, Failed)
        assert isinstance(session.reason.error, RateExceeded)


def test_a_bridge_receives_no_more_until_the_average_is_kept(run_async):
    """[S17.3]"""

    async def act():
        living = Bridged(Notes(), controls=True, rate_limit=RateLimit(messages=5, burst=1))
        began = asyncio.get_running_loop().time()
        living.server.tell(*map(str, range(5)), Ping(b""), "5", "6")
        await until(lambda: living.bridge.state is State.HELD)
        assert living.server.sent == ["0", "1", "2", "3", "4"]
        await until(lambda: living.server.sent[-1] == "6")
        assert asyncio.get_running_loop().time() - began >= 0.4
        living.server.tell(Remote(1000))
        await living.task

    run_async(act())


@pytest.mark.parametrize("too_many", ["3", Ping(b"")])
def test_a_bridge_sends_a_peer_away_that_is_too_fast(run_async, too_many):
    """[S17.4]"""

    async def act():
        limit = RateLimit(messages=2, burst=1, close=True)
        living = Bridged(Notes(), controls=True, rate_limit=limit)
        living.server.tell("1", "2", too_many, "4")
        await living.task
        assert living.server.sent == ["1", "2"]
        assert living.server.closed[0][0] == 1008
        (reason,) = living.handler.reasons
        assert isinstance(reason, Failed)
        assert isinstance(reason.error, RateExceeded)

    run_async(act())


def test_a_host_with_frames_of_its_own_is_asked_for_no_more_until_the_average_is_kept(run_async):
    """[S17.3]"""

    async def act():
        living = engine.Living(rate_limit=RateLimit(messages=5, burst=1))
        began = asyncio.get_running_loop().time()
        living.receive(*map(str, range(8)))
        assert living.handler.told == ["0", "1", "2", "3", "4", "5"]
        assert not living.wire.reading
        await until(lambda: living.handler.told[-1] == "7")
        assert asyncio.get_running_loop().time() - began >= 0.2
        await until(lambda: living.wire.reading)
        await living.end()

    run_async(act())


def test_a_host_with_frames_of_its_own_sends_a_peer_away_that_is_too_fast(run_async):
    """[S17.4]"""

    async def act():
        living = engine.Living(rate_limit=RateLimit(messages=2, burst=1, close=True))
        living.receive("1", "2", "3")
        assert living.handler.told == ["1", "2"]
        await until(lambda: living.handler.reasons)
        (reason,) = await living.end()
        assert isinstance(reason, Failed)
        assert isinstance(reason.error, RateExceeded)

    run_async(act())
