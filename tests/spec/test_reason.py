import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest

from sock import Failed, MailboxFull, Normal, Reason, Remote, Shutdown, TimedOut

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
