"""What a server that is not ours does not let through: declared as data."""

from __future__ import annotations

import gc
import weakref

import pytest

from sock import Host, Options, Sock, testing
from sock.hosting import limit as limit_module
from sock.hosting.limit import Limit, host_with, report_needed

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


@pytest.mark.parametrize(
    ("size", "needed"),
    [(1000, None), (1 << 20, None), (1 << 21, "max_message_size"), (None, "max_message_size")],
)
def test_a_message_is_the_hosts_to_let_through_when_it_is_larger_than_usual(size, needed):
    limit = Limit("options", ("S17.1",), "", options=frozenset({"max_message_size"}))
    assert limit.needed(Sock(testing.request()), Options(max_message_size=size)) == needed


def test_a_class_that_is_made_in_a_route_is_told_of_once_and_not_kept(monkeypatch, events):
    monkeypatch.setattr(limit_module, "_reported", set())

    def made():
        class Local(Controls):
            pass

        report_needed("a server", [CONTROL], Local(testing.request()), Options(), testing.request())
        return weakref.ref(Local)

    classes = [made() for _ in range(3)]
    assert len(events) == 1
    events.clear()
    gc.collect()
    assert [kind() for kind in classes] == [None] * 3


@pytest.mark.parametrize(
    ("name", "statements"), [("no such word", ("S5.3",)), ("control", ("S5.3", "S9.1"))]
)
def test_a_limit_declares_only_what_its_word_stands_for(name, statements):
    """[S0.5]"""
    with pytest.raises(ValueError, match=name if name != "control" else "S9.1"):
        Limit(name, statements, "")


def test_a_host_declares_the_statements_of_all_its_limits():
    """[S0.3] [S0.8]"""
    limits = [CONTROL, Limit("early", ("S1.10",), "")]
    assert host_with("a server", limits) == Host("a server", declared={"S5.3", "S1.10"})
