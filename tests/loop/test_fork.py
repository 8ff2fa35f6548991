"""Whether this process has forked, and the end of a socket that its child holds."""

from __future__ import annotations

import os
import socket

import pytest

from sock.loop import fork

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.fixture
def child(monkeypatch):
    """Fork a child, which ends with what `act` returns; return its status."""
    monkeypatch.setattr(fork, "happened", False)

    def child(act) -> int:
        made = os.fork()
        if not made:
            status = 99
            try:
                status = act()
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(made, 0)[1])

    return child


def test_a_fork_is_noted_in_the_parent_and_forgotten_in_the_child(child):
    assert not fork.happened
    assert child(lambda: int(fork.happened)) == 0
    assert fork.happened
    assert child(lambda: int(fork.happened)) == 0
    assert fork.happened


def test_a_socket_that_is_shut_ends_for_its_peer_whoever_holds_it():
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(fileno=os.dup(ours.fileno())):
        fork.shut(ours.fileno())
        assert theirs.recv(1) == b""


def test_what_is_no_socket_any_more_is_left_alone():
    ours, theirs = socket.socketpair()
    number = ours.fileno()
    for one in (ours, theirs):
        one.close()
    fork.shut(-1)
    fork.shut(number)
    with socket.socket() as unconnected:
        fork.shut(unconnected.fileno())
        assert unconnected.fileno() >= 0
