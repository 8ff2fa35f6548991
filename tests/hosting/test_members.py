"""The live connections of an event loop that is another server's."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sock import HandshakeError, Options, Remote, Request
from sock.hosting.members import Members
from sock.live.bridge import Bridge
from sock.live.held import Held
from sock.loop import Reactor
from tests.live_bridge import Notes, Server


class Live:
    def __init__(self, members, *, stubborn=False):
        self.members = members
        self.stubborn = stubborn
        self.told = []
        self.request = Request()
        members.add(self)

    def shutdown(self, timeout):
        self.told.append("shutdown")
        if not self.stubborn:
            self.members.discard(self)

    def held_by(self):
        return Held("callback", "Live", "Live.handle_in", 1.5)

    def end_work(self):
        self.told.append("end work")
        return True

    def abandon_work(self):
        self.told.append("abandon work")

    def cut(self):
        self.told.append("cut")
        self.members.discard(self)


def test_a_loop_has_its_own_and_a_closed_one_is_forgotten(run_async):
    async def act():
        return Members.of(asyncio.get_running_loop())

    one, other = run_async(act()), run_async(act())
    assert one is not other
    assert one not in Members._of_loop.values()


def test_a_drain_tells_all_and_cuts_those_that_are_left(run_async, events):
    async def act():
        members = Members.of(asyncio.get_running_loop())
        good, stubborn = Live(members), Live(members, stubborn=True)
        assert await members.drain(0.01) == 1
        assert (good.told, stubborn.told) == (
            ["shutdown"],
            ["shutdown", "end work", "abandon work", "cut"],
        )
        assert await members.drain(None) == 0

    run_async(act())
    assert [name for name, _ in events] == [
        "server.draining",
        "drain.told",
        "drain.cut",
        "server.stopped",
    ]


def test_a_bridge_is_a_member_as_long_as_it_runs(run_async):
    async def act():
        loop = asyncio.get_running_loop()
        members, server = Members.of(loop), Server()
        bridge = Bridge(Reactor.of(loop), server, Request(), Notes(), Options())
        running = asyncio.ensure_future(members.run(bridge))
        await asyncio.sleep(0)
        assert members.live_connections == {bridge}
        server.tell(Remote(1000))
        await running
        assert members.live_connections == set()

    run_async(act())


def test_while_they_are_sent_away_no_other_is_let_in(run_async):
    async def act():
        members = Members.of(asyncio.get_running_loop())
        stubborn = Live(members, stubborn=True)
        members.check_not_draining()
        draining = asyncio.ensure_future(members.drain(None))
        await asyncio.sleep(0)
        with pytest.raises(HandshakeError, match="stopping"):
            members.check_not_draining()
        members.discard(stubborn)
        await draining
        members.check_not_draining()

    run_async(act())


def test_a_drain_without_connections_refuses_those_that_ask_at_that_moment(run_async):
    async def act():
        members = Members.of(asyncio.get_running_loop())
        draining = asyncio.ensure_future(members.drain(1))
        await asyncio.sleep(0)
        with pytest.raises(HandshakeError, match="stopping"):
            members.check_not_draining()
        assert await draining == 0
        members.check_not_draining()

    run_async(act())


def test_threads_may_get_those_of_their_loops_at_the_same_time():
    async def members():
        return Members.of(asyncio.get_running_loop())

    class Asked(asyncio.SelectorEventLoop):
        """While it is asked whether it is closed, another thread gets those of its own loop."""

        thread = None

        def is_closed(self):
            if self.thread is not None and not self.thread.ident:
                self.thread.start()
                self.thread.join()
            return super().is_closed()

    with asyncio.Runner(loop_factory=Asked) as runner:
        own = runner.run(members())
        runner.get_loop().thread = threading.Thread(target=asyncio.run, args=(members(),))
        assert asyncio.run(members()) is not own
        assert runner.get_loop().thread.ident
        assert runner.run(members()) is own
