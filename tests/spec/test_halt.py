"""The Stops in what was raised, and the messages of a Stop."""

from __future__ import annotations

import pytest

from sock import Stop
from sock.spec.halt import messages_of, stop_in


def test_the_messages_of_a_stop_are_a_sequence():
    assert messages_of(Stop(messages="bye")) == ("bye",)
    assert messages_of(Stop(messages=["a", "b"])) == ["a", "b"]
    assert messages_of(Stop()) == ()


def test_a_raised_stop_loses_its_traceback():
    stop = Stop(4001)
    with pytest.raises(Stop):
        raise stop from LookupError()
    assert stop.__traceback__ is not None
    assert stop_in(stop) is stop
    assert (stop.__traceback__, stop.__cause__, stop.__context__) == (None, None, None)


def test_of_a_group_of_stops_the_first_counts():
    group = ExceptionGroup("", [ExceptionGroup("", [Stop(4001)]), Stop(4002)])
    assert stop_in(group) == Stop(4001)


@pytest.mark.parametrize(
    "error", [LookupError(), ExceptionGroup("", [Stop(), LookupError()])], ids=["alone", "group"]
)
def test_anything_else_is_no_stop(error):
    assert stop_in(error) is None
