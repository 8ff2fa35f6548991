"""What the connections of an event loop share: one reactor, its turns, infos from other threads."""

from __future__ import annotations

import asyncio

import pytest

from sock.runtime import Reactor
from sock.runtime import reactor as reactor_module
from sock.runtime.turn import Turned


def test_a_loop_has_one_reactor_and_that_of_a_closed_loop_is_forgotten(run):
    async def one():
        loop = asyncio.get_running_loop()
        assert Reactor.of(loop) is Reactor.of(loop)
        return loop

    with asyncio.Runner() as runner:
        closed = runner.run(one())
    run(one())
    assert closed not in Reactor._of


def test_an_environment_variable_forces_the_transport(monkeypatch):
    async def native():
        return Reactor(asyncio.get_running_loop()).native

    monkeypatch.setenv("SOCK_REACTOR", "transport")
    assert asyncio.run(native()) is False
    monkeypatch.delenv("SOCK_REACTOR")
    assert asyncio.run(native()) is hasattr(reactor_module.select, "epoll")
    monkeypatch.setenv("SOCK_REACTOR", "iocp")
    with pytest.raises(ValueError, match="SOCK_REACTOR is epoll or transport"):
        asyncio.run(native())


def test_who_is_woken_twice_has_one_turn_and_an_error_costs_the_others_none(run):
    class Fails(Turned):
        def __init__(self, fails=False):
            super().__init__()
            self.turns = 0
            self.fails = fails

        def turn(self):
            self.turns += 1
            if self.fails:
                raise ValueError

    async def scenario():
        loop = asyncio.get_running_loop()
        failures = []
        loop.set_exception_handler(lambda loop, context: failures.append(context))
        reactor = Reactor.of(loop)
        first, failing, last = Fails(), Fails(fails=True), Fails()
        for turned in (first, failing, last, first):
            reactor.wake(turned)
        for _ in range(5):
            await asyncio.sleep(0)
        assert [first.turns, failing.turns, last.turns] == [1, 1, 1]
        assert len(failures) == 1
        reactor.wake(first)
        for _ in range(2):
            await asyncio.sleep(0)
        assert first.turns == 2

    run(scenario())


def test_an_info_for_a_loop_that_is_closed_is_dropped():
    async def reactor():
        return Reactor.of(asyncio.get_running_loop())

    late = asyncio.run(reactor())
    late.post(object(), "nobody hears")
    late.wake(Turned())
