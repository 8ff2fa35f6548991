"""Infos from other threads: in order, or the end with 1013, and never a hole.

[S10.2] [S11.5] [S11.6]
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading

import pytest

from sock import MailboxFull, Options, Request, Sock
from sock.live.bridge import Bridge
from sock.live.infos_from_threads import InfoCount
from sock.loop import Reactor
from sock.wire.frame import Close

THREADS = 6
INFOS = 150


class Hears(Sock):
    """Notes every info with its turn, and why it ended."""

    def __init__(self, request=None):
        self.heard = []
        self.reasons = []

    def init(self, ref):
        self.ref = ref

    def handle_info(self, info):
        self.heard.append(info)

    def terminate(self, reason):
        self.reasons.append(reason)


@pytest.fixture
def _threads_switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


async def sends_from_threads(ref):
    """Let several threads send their numbers at the same time; return when they have."""

    def send(name):
        start.wait()
        for number in range(INFOS):
            ref.send((name, number))

    start = threading.Barrier(THREADS)
    await asyncio.gather(*(asyncio.to_thread(send, name) for name in range(THREADS)))


def holes(handler):
    """Return the threads whose infos are not the first ones that they have sent, in order."""
    numbers = {name: [] for name in range(THREADS)}
    for name, number in handler.heard:
        numbers[name].append(number)
    return [name for name, own in numbers.items() if own != list(range(len(own)))]


@pytest.mark.usefixtures("_threads_switch_often")
@pytest.mark.parametrize("bound", [4, 60, 400, None])
def test_what_threads_send_to_a_link_arrives_in_order_or_it_ends_with_1013(run, open_link, bound):
    async def scenario():
        for _ in range(8):
            connection = await open_link(Hears, max_mailbox=bound, close_timeout=1)
            await sends_from_threads(connection.handler.ref)
            await asyncio.sleep(0)
            connection.peer.close()
            await connection.over()
            handler = connection.handler
            assert holes(handler) == []
            full = isinstance(getattr(handler.reasons[0], "error", None), MailboxFull)
            assert full is (len(handler.heard) < THREADS * INFOS)
            assert not (full and bound is None)

    run(scenario())


class Silent:
    """A server of somebody else's, whose peer says nothing."""

    passes_control_frames = False

    def __init__(self):
        self.closed = []

    async def receive(self):
        await asyncio.Event().wait()

    async def send(self, message):
        raise AssertionError(message)

    async def close(self, code, detail):
        self.closed.append(code)


@pytest.mark.usefixtures("_threads_switch_often")
@pytest.mark.parametrize("bound", [4, 60, 400, None])
def test_what_threads_send_to_a_bridge_arrives_in_order_or_it_ends_with_1013(run_async, bound):
    async def scenario():
        for _ in range(8):
            handler, server = Hears(), Silent()
            reactor = Reactor.of(asyncio.get_running_loop())
            bridge = Bridge(reactor, server, Request(), handler, Options(max_mailbox=bound))
            running = asyncio.ensure_future(bridge.run())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await sends_from_threads(handler.ref)
            await asyncio.sleep(0)
            handler.ref.stop(4001)
            await running
            assert holes(handler) == []
            full = len(handler.heard) < THREADS * INFOS
            assert server.closed == [1013 if full else 4001]
            assert not (full and bound is None)

    run_async(scenario())


def test_a_thread_that_sends_too_much_finds_the_ref_closed_at_once(run, open_link):
    """[S7.4] The loop has not seen any of it yet."""

    async def scenario():
        connection = await open_link(Hears, max_mailbox=10, close_timeout=0.2)
        ref = connection.handler.ref

        def flood():
            return sum(1 for _ in itertools.takewhile(lambda _: not ref.closed, sends()))

        def sends():
            for number in range(100_000):
                yield ref.send(number)

        thread = threading.Thread(target=lambda: sent.append(flood()))
        sent = []
        thread.start()
        thread.join()
        assert sent == [10]
        event = await connection.peer.next()
        assert isinstance(event, Close)
        assert event.code == 1013
        await connection.over()
        assert connection.handler.heard == list(range(10))

    run(scenario())


def test_what_the_loop_has_admitted_makes_room():
    """[S11.6]"""
    count = InfoCount(2)
    assert [count.take_place() for _ in range(2)] == [True, True]
    count.admitted += 1
    assert count.take_place()
    assert not count.take_place()


def test_without_a_limit_there_is_always_a_place():
    count = InfoCount(None)
    assert all(count.take_place() for _ in range(10_000))


def test_a_connection_to_which_no_thread_has_sent_keeps_no_count(run, open_link):
    async def scenario():
        connection = await open_link(Hears)
        connection.handler.ref.send("from the loop")
        await asyncio.sleep(0)
        assert connection.handler.heard == ["from the loop"]
        assert connection.link.infos_from_threads is None
        connection.link.abort()
        await connection.over()

    run(scenario())


@pytest.mark.usefixtures("_threads_switch_often")
def test_threads_that_send_the_first_infos_at_the_same_time_are_all_counted(run, open_link):
    async def scenario():
        for _ in range(30):
            connection = await open_link(Hears, max_mailbox=None)
            await sends_from_threads(connection.handler.ref)
            await connection.peer.until_pong()
            assert connection.link.infos_from_threads.admitted == THREADS * INFOS
            connection.link.abort()
            await connection.over()

    run(scenario())
