"""What asks for turns; what a reactor does with them is in test_reactor.py."""

import pytest

from sock.loop.wakeable import Wakeable


def test_nobody_has_asked_for_a_turn_to_begin_with_and_each_kind_does_its_own():
    wakeable = Wakeable()
    assert wakeable.woken is False
    with pytest.raises(NotImplementedError):
        wakeable.turn()
