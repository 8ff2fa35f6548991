"""What the TLS connections of a server share: the queue of their handshakes, and two memories."""

from __future__ import annotations

import asyncio

import pytest

from sock.loop import Reactor
from sock.loop.shared_tls import SharedTLS


class Steps:
    """A connection whose handshake takes so many steps; it notes them in a list of all."""

    def __init__(self, shared, name, taken, steps=1):
        self.shared, self.name, self.taken, self.steps = shared, name, taken, steps

    def step(self):
        self.taken.append(self.name)
        self.steps -= 1
        if self.steps:
            self.shared.queue(self)


@pytest.fixture
def with_shared(run_async):
    def run(test):
        async def act():
            reactor = Reactor.of(asyncio.get_running_loop())
            await test(SharedTLS(reactor, lambda *_: None, b""))

        run_async(act())

    return run


def test_a_connection_that_waits_again_is_behind_the_others(with_shared):
    @with_shared
    async def _(shared):
        taken = []
        shared.queue(Steps(shared, "a", taken, steps=2))
        shared.queue(Steps(shared, "b", taken))
        while len(taken) < 3:
            await asyncio.sleep(0)
        assert taken == ["a", "b", "a"]


def test_a_step_that_raises_does_not_hold_up_the_others(with_shared):
    @with_shared
    async def _(shared):
        class Broken:
            def step(self):
                raise MemoryError

        taken = []
        shared.queue(Broken())
        shared.queue(Steps(shared, "b", taken))
        with pytest.raises(MemoryError):
            shared.turn()
        assert taken == []
        while not taken:
            await asyncio.sleep(0)


def test_what_a_failure_has_left_is_taken_out(with_shared):
    @with_shared
    async def _(shared):
        shared.incoming.write(b"half a record")
        shared.outgoing.write(b"an alert")
        shared.empty()
        assert (shared.incoming.pending, shared.outgoing.pending) == (0, 0)
