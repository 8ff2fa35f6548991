"""What the connections of an event loop share: one reactor, its turns, infos from other threads."""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref

import pytest

from sock.loop import Reactor
from sock.loop import reactor as reactor_module
from sock.loop.wakeable import Wakeable


def test_a_loop_has_one_reactor_and_that_of_a_closed_loop_is_forgotten(run):
    async def one():
        loop = asyncio.get_running_loop()
        assert Reactor.of(loop) is Reactor.of(loop)
        return loop

    with asyncio.Runner() as runner:
        closed = runner.run(one())
    run(one())
    assert closed not in reactor_module._reactors


def test_an_environment_variable_forces_the_transport(monkeypatch):
    async def uses_epoll():
        return Reactor(asyncio.get_running_loop()).uses_epoll

    monkeypatch.setenv("SOCK_REACTOR", "transport")
    assert asyncio.run(uses_epoll()) is False
    monkeypatch.delenv("SOCK_REACTOR")
    assert asyncio.run(uses_epoll()) is hasattr(reactor_module.select, "epoll")
    monkeypatch.setenv("SOCK_REACTOR", "iocp")
    with pytest.raises(ValueError, match="SOCK_REACTOR is epoll or transport"):
        asyncio.run(uses_epoll())


def test_who_is_woken_twice_has_one_turn_and_an_error_costs_the_others_none(run):
    class Fails(Wakeable):
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
        for wakeable in (first, failing, last, first):
            reactor.wake(wakeable)
        for _ in range(5):
            await asyncio.sleep(0)
        assert [first.turns, failing.turns, last.turns] == [1, 1, 1]
        assert len(failures) == 1
        reactor.wake(first)
        for _ in range(2):
            await asyncio.sleep(0)
        assert first.turns == 2

    run(scenario())


def test_an_info_that_cannot_be_taken_costs_the_others_nothing(run):
    class Takes:
        def admit(self, info):
            if info is None:
                raise MemoryError
            taken.append(info)

    taken = []

    async def scenario():
        loop = asyncio.get_running_loop()
        failures = []
        loop.set_exception_handler(lambda loop, context: failures.append(context))
        reactor = Reactor.of(loop)
        for info in (1, None, 2, None, 3):
            reactor.post(Takes(), info)
        for _ in range(5):
            await asyncio.sleep(0)
        assert taken == [1, 2, 3]
        assert len(failures) == 2

    run(scenario())


def test_an_info_for_a_loop_that_is_closed_is_dropped():
    async def reactor():
        return Reactor.of(asyncio.get_running_loop())

    late = asyncio.run(reactor())
    late.post(object(), "nobody hears")
    late.wake(Wakeable())


@pytest.mark.parametrize("before", [0, 1])
def test_an_info_for_a_loop_that_is_closed_is_not_kept(before):
    class Info:
        """What nobody hears."""

    infos = [Info() for _ in range(4)]
    left = weakref.WeakSet(infos)

    async def posts():
        reactor = Reactor.of(asyncio.get_running_loop())
        asyncio.get_running_loop().stop()  # in this turn, which is the last
        for _ in range(before):
            reactor.post(object(), infos.pop())
        return reactor

    loop = asyncio.new_event_loop()
    late = loop.create_task(posts())
    loop.run_forever()
    loop.close()
    while infos:
        late.result().post(object(), infos.pop())
    assert not left


def test_threads_may_get_the_reactors_of_their_loops_at_the_same_time():
    failures = []

    async def reactor():
        assert Reactor.of(asyncio.get_running_loop()).loop is asyncio.get_running_loop()

    def loops():
        try:
            for _ in range(30):
                asyncio.run(reactor())
        except Exception as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=loops) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
