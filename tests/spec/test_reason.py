import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest

from sock import Failed, MailboxFull, Normal, Reason, Remote, Shutdown, Stop, TimedOut

ALL = [Normal(), Remote(1001, "bye"), Shutdown(), TimedOut(), Failed(MailboxFull())]


def say(reason: Reason) -> str:
    match reason:
        case Normal():
            return "normal"
        case Remote(1000 | 1001 as code, detail):
            return f"left with {code} {detail}"
        case Remote(1006):
            return "lost"
        case Remote():
            return "closed"
        case Shutdown():
            return "shutdown"
        case TimedOut():
            return "silent"
        case Failed(MailboxFull()):
            return "full"
        case Failed(error):
            return f"failed: {error!r}"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Normal(), "normal"),
        (Remote(1001, "bye"), "left with 1001 bye"),
        (Remote(1006), "lost"),
        (Remote(1005), "closed"),
        (Shutdown(), "shutdown"),
        (TimedOut(), "silent"),
        (Failed(MailboxFull()), "full"),
        (Failed(KeyError("name")), "failed: KeyError('name')"),
    ],
)
def test_a_reason_matches_by_its_fields(reason, said):
    assert say(reason) == said


def test_reasons_are_compared_by_value():
    assert Remote(1006) == Remote(1006, "")
    assert Remote(1006) != Remote(1005)
    assert TimedOut() == TimedOut()
    assert TimedOut() != Shutdown()


def test_the_failure_is_the_very_error():
    error = RuntimeError("broken")
    assert Failed(error).error is error
    assert Failed(error) == Failed(error)
    assert Failed(error) != Failed(RuntimeError("broken"))


@pytest.mark.parametrize("reason", ALL, ids=repr)
def test_a_reason_is_not_changed(reason):
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        reason.code = 1000


@pytest.mark.parametrize("reason", ALL[:-1], ids=repr)
def test_a_reason_can_be_copied_and_pickled(reason):
    assert copy.copy(reason) == reason
    assert pickle.loads(pickle.dumps(reason)) == reason  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("code", "travels"),
    [
        *((code, code) for code in (1000, 1001, 1003, 1007, 1012, 3000, 4999)),
        (1005, 1000),
        *((code, 1011) for code in (0, 999, 1004, 1006, 1015, 1016, 2999, 5000)),
    ],
)
def test_a_relay_tells_the_other_side_the_same_with_a_code_that_may_travel(code, travels):
    """[S13.8]"""
    assert Remote(code, "why").stop() == Stop(travels, "why")


def test_a_relay_keeps_of_a_detail_what_a_close_frame_can_carry():
    """[S13.8] A host that stands on another server may be told a longer one."""
    assert Remote(1001, "x" * 200).stop() == Stop(1001, "x" * 123)
