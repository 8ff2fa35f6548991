"""What a server that is not ours does not let through: declared as data."""

from __future__ import annotations

import pytest

from sock import Options, Sock, testing
from sock.runtime.limit import Limit

CONTROL = Limit("control", ("S5.3",), "none is told", "handle_control", frozenset({"idle_timeout"}))


class Controls(Sock):
    def handle_control(self, frame):
        pass


@pytest.mark.parametrize(
    ("kind", "options", "needed"),
    [
        (Sock, Options(), None),
        (Sock, Options(max_mailbox=3), None),
        (Sock, Options(idle_timeout=3), "idle_timeout"),
        (Sock, Options(idle_timeout=None), None),
        (Controls, Options(), "handle_control"),
    ],
)
def test_a_need_is_a_method_of_ones_own_or_an_option_that_is_given(kind, options, needed):
    assert CONTROL.needed(kind(testing.request()), options) == needed
