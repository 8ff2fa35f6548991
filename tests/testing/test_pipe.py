import pytest

from sock.loop import Reactor
from sock.testing import Clock
from sock.testing.pipe import Pipe


class Receiver:
    def __init__(self):
        self.heard = []

    def received(self, data):
        self.heard.append(data)

    def ended(self):
        self.heard.append("ended")

    def drained(self):
        self.heard.append("drained")

    def lost(self):
        self.heard.append("lost")


class Ends:
    """A pipe with something at each end."""

    def __init__(self, clock):
        self.clock = clock
        self.arrived = []
        self.pipe = Pipe(Reactor(clock), ("peer", 1), ("host", 2), self.arrived.append)
        self.receiver = self.pipe.receiver = Receiver()

    def heard(self):
        self.clock.run_until_idle()
        return self.receiver.heard


@pytest.fixture
def ends():
    clock = Clock()
    yield Ends(clock)
    clock.close()


def test_what_the_peer_sends_is_read_in_a_turn_of_its_own(ends):
    ends.pipe.send(b"hel")
    ends.pipe.send(b"lo")
    assert ends.receiver.heard == []
    assert ends.heard() == [b"hello"]


def test_more_than_a_reactor_reads_at_once_comes_in_pieces(ends):
    ends.pipe.send(bytes(100_000))
    assert [len(data) for data in ends.heard()] == [65536, 34464]


def test_a_paused_pipe_reads_nothing_until_it_is_resumed(ends):
    ends.pipe.pause(5)
    ends.pipe.send(b"hello")
    ends.pipe.end()
    assert ends.heard() == []
    assert ends.pipe.unread == 5
    ends.pipe.resume()
    assert ends.heard() == [b"hello", "ended"]


def test_the_end_comes_behind_all_that_was_sent(ends):
    ends.pipe.end()
    ends.pipe.send(b"hello")
    assert ends.heard() == [b"hello", "ended"]


def test_what_is_written_arrives(ends):
    ends.pipe.write(b"hello")
    assert ends.arrived == [b"hello"]
    assert (ends.pipe.pending, ends.pipe.writes, ends.pipe.taken) == (0, 1, 5)


def test_a_peer_that_is_blocked_takes_nothing_until_it_is_unblocked(ends):
    ends.pipe.block()
    ends.pipe.write(b"hel")
    ends.pipe.write(bytearray(b"lo"))
    assert (ends.pipe.pending, ends.arrived) == (5, [])
    ends.pipe.unblock()
    assert ends.heard() == ["drained"]
    assert (ends.pipe.pending, ends.arrived) == (0, [b"hello"])


def test_close_waits_for_what_is_pending(ends):
    ends.pipe.block()
    ends.pipe.write(b"hello")
    ends.pipe.close()
    ends.pipe.send(b"not read any more")
    assert ends.heard() == []
    ends.pipe.unblock()
    assert ends.heard() == ["drained", "lost"]
    assert ends.arrived == [b"hello"]


def test_finish_ends_one_direction_behind_what_is_pending(ends):
    ends.pipe.block()
    ends.pipe.write(b"hello")
    ends.pipe.finish()
    assert not ends.pipe.finished
    ends.pipe.unblock()
    ends.pipe.send(b"still read")
    assert ends.heard() == ["drained", b"still read"]
    assert ends.pipe.finished


def test_abort_loses_what_is_pending_and_tells_once(ends):
    ends.pipe.block()
    ends.pipe.write(b"hello")
    ends.pipe.abort()
    ends.pipe.lose()
    ends.pipe.close()
    ends.pipe.write(b"too late")
    ends.pipe.send(b"too late")
    assert ends.heard() == ["lost"]
    assert ends.pipe.pending == 0
