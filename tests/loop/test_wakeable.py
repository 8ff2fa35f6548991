"""What asks for turns; what a reactor does with many of them is in test_reactor.py."""

import asyncio

import pytest

from sock.loop import Reactor
from sock.loop.wakeable import Wakeable


class Counts(Wakeable):
    """Asks for another turn in each turn, up to a number of them."""

    def __init__(self, reactor, wanted):
        super().__init__()
        self.reactor = reactor
        self.wanted = wanted
        self.woken_in_turn = []

    def turn(self):
        self.woken_in_turn.append(self.woken)
        if len(self.woken_in_turn) < self.wanted:
            self.reactor.wake(self)
            self.reactor.wake(self)


def test_a_wakeable_may_ask_for_another_turn_within_its_turn(run):
    async def scenario():
        reactor = Reactor(asyncio.get_running_loop())
        counts = Counts(reactor, 3)
        reactor.wake(counts)
        assert counts.woken
        for _ in range(10):
            await asyncio.sleep(0)
        assert not counts.woken
        assert counts.woken_in_turn == [False, False, False]

    run(scenario())


def test_a_wakeable_without_a_turn_of_its_own_says_so():
    with pytest.raises(NotImplementedError):
        Wakeable().turn()
