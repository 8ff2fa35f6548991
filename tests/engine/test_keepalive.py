"""Whether the peer is still there. Rule 12."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.engine import NEVER, Keepalive, Verdict

FINE, PING, DEAD = Verdict.FINE, Verdict.PING, Verdict.DEAD


def verdicts(keepalive, *times):
    return [keepalive.check(now) for now in times]


def test_silence_is_answered_with_pings_and_then_with_the_end():
    keepalive = Keepalive(idle_timeout=60, ping_interval=20, now=100)
    assert verdicts(keepalive, 119, 120, 121, 139, 140, 159.9, 160) == [
        *(FINE, PING, FINE),
        *(FINE, PING),
        *(FINE, DEAD),
    ]


def test_bytes_that_are_heard_begin_it_anew():
    keepalive = Keepalive(idle_timeout=60, ping_interval=20, now=100)
    keepalive.heard = 115
    assert verdicts(keepalive, 120, 134, 135, 174, 175) == [FINE, FINE, PING, PING, DEAD]


def test_a_ping_of_ours_keeps_no_dead_peer_alive():
    """Rule 12: only received bytes count."""
    keepalive = Keepalive(idle_timeout=50, ping_interval=1, now=0)
    assert verdicts(keepalive, *range(1, 50)) == [PING] * 49
    assert keepalive.check(50) is DEAD


def test_the_clock_stands_still_while_the_host_does_not_read():
    """Rule 12."""
    keepalive = Keepalive(idle_timeout=60, ping_interval=20, now=100)
    keepalive.hold(110)
    assert keepalive.due() == NEVER
    assert verdicts(keepalive, 120, 10_000) == [FINE, FINE]
    keepalive.resume(10_000)
    assert keepalive.due() == 10_010
    assert verdicts(keepalive, 10_009, 10_010, 10_049, 10_050) == [FINE, PING, PING, DEAD]


def test_the_pause_between_pings_stands_still_too():
    keepalive = Keepalive(idle_timeout=None, ping_interval=20, now=0)
    assert keepalive.check(20) is PING
    keepalive.hold(25)
    keepalive.resume(125)
    assert verdicts(keepalive, 139, 140) == [FINE, PING]


def test_to_hold_or_to_resume_twice_is_to_do_it_once():
    keepalive = Keepalive(idle_timeout=60, ping_interval=None, now=0)
    keepalive.resume(5)
    assert keepalive.due() == 60
    keepalive.hold(10)
    keepalive.hold(20)
    keepalive.resume(30)
    keepalive.resume(40)
    assert keepalive.due() == 80


@pytest.mark.parametrize(
    ("idle", "ping", "due"),
    [(60, 20, 20), (10, 20, 10), (60, None, 60), (None, 20, 20), (None, None, NEVER)],
)
def test_it_says_when_to_look_again(idle, ping, due):
    assert Keepalive(idle, ping, now=0).due() == due


def test_without_limits_it_finds_nothing():
    assert Keepalive(None, None, now=0).check(10**9) is FINE


@given(st.lists(st.sampled_from(["hear", "hold", "resume", "look"])), st.booleans())
def test_a_look_at_the_time_it_named_finds_something_and_none_before(steps, pinging):
    """Whoever looks only when it is due misses nothing."""
    keepalive = Keepalive(idle_timeout=7, ping_interval=3 if pinging else None, now=0)
    held = False
    for now, step in enumerate(steps, 1):
        due = keepalive.due()
        assert (due == NEVER) is held
        verdict = keepalive.check(now)
        assert (verdict is not FINE) is (now >= due)
        if verdict is DEAD:
            return
        if step == "hear" and not held:
            keepalive.heard = now
        elif step == "hold":
            keepalive.hold(now)
            held = True
        elif step == "resume":
            keepalive.resume(now)
            held = False
