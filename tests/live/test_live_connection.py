"""What a link and a bridge have in common."""

from __future__ import annotations

import asyncio

import pytest

from sock import Remote, Sock
from sock.live.live_connection import LiveConnection, resolve
from tests.live_bridge import Living


class Notes(Sock):
    """Notes the end, and what came about after it."""

    def __init__(self, request=None):
        self.reasons = []
        self.noted = []

    def init(self, ref):
        self.ref = ref

    def terminate(self, reason):
        self.reasons.append(reason)


class OverALink:
    """A connection whose wire is ours."""

    def __init__(self, connection):
        self.live = connection.link
        self.handler = connection.handler
        self._connection = connection

    async def end(self):
        self.live.abort()
        await self._connection.over()


class OverABridge:
    """A connection whose wire is another server's."""

    def __init__(self, living):
        self.live = living.bridge
        self.handler = living.handler
        self._living = living

    async def end(self):
        self._living.server.tell(Remote(1006))
        await self._living.task


@pytest.fixture(params=["link", "bridge"])
def live(request, open_link):
    """Open a connection of each kind; `init` has run."""

    async def live(**options):
        if request.param == "link":
            return OverALink(await open_link(Notes, **options))
        living = Living(Notes(), **options)
        while not hasattr(living.handler, "ref"):
            await asyncio.sleep(0)
        return OverABridge(living)

    return live


def test_each_is_the_host_of_its_life_cycle(run, live):
    async def scenario():
        one = await live()
        assert isinstance(one.live, LiveConnection)
        assert one.live.request is one.handler.ref.request
        await one.end()

    run(scenario())


def test_the_end_is_told_once_with_its_reason(run, live, events):
    async def scenario():
        one = await live()
        await one.end()
        assert one.handler.reasons == [Remote(1006)]
        ends = [fields for event, fields in events if event == "connection.closed"]
        assert [(fields["code"], fields["reason"]) for fields in ends] == [(1006, Remote(1006))]

    run(scenario())


def test_done_callbacks_come_after_terminate_in_the_order_in_which_they_were_added(run, live):
    async def scenario():
        one = await live()
        noted = one.handler.noted
        for name in ("first", "second"):
            one.handler.ref.add_done_callback(
                lambda name=name: noted.append((name, len(one.handler.reasons)))
            )
        await one.end()
        await asyncio.sleep(0)
        assert noted == [("first", 1), ("second", 1)]

    run(scenario())


def test_timers_are_cancelled_at_the_end_and_their_infos_are_let_go_of(run, live):
    async def scenario():
        one = await live()
        timer = one.handler.ref.send_after(60, "never")
        assert one.live.timers == {timer}
        await one.end()
        assert one.live.timers == set()

    run(scenario())


def test_an_iterator_waits_for_room_and_goes_on_when_the_peer_is_gone(run, live):
    async def scenario():
        one = await live(max_send_buffer=1)
        one.live.lifecycle.note_pending(2)
        waiting = [asyncio.ensure_future(one.live.wait_for_room()) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        await one.end()
        await asyncio.wait_for(asyncio.gather(*waiting), 5)

    run(scenario())


def test_what_is_full_no_more_wakes_all_that_wait(run, live):
    async def scenario():
        one = await live(max_send_buffer=1)
        one.live.lifecycle.note_pending(2)
        waiting = [asyncio.ensure_future(one.live.wait_for_room()) for _ in range(2)]
        await asyncio.sleep(0)
        one.live.lifecycle.note_pending(0)
        one.live.wake_waiters()
        await asyncio.wait_for(asyncio.gather(*waiting), 5)
        await one.end()

    run(scenario())


def test_a_future_is_resolved_once(run):
    async def scenario():
        future = asyncio.get_running_loop().create_future()
        resolve(future)
        resolve(future)
        assert await future is None

    run(scenario())
