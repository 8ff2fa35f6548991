"""What fails that never does, for want of memory: it is told, its connection ends, others go on."""

from __future__ import annotations

import asyncio
import select
import socket

import pytest

from sock import native as core
from sock.loop import Reactor, adopt

only_pure = pytest.mark.skipif(core.ACTIVE, reason="the core makes no objects there")


class Reads:
    """A receiver that notes what it is told."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.data = b""
        self.lost_once = asyncio.Event()
        self.changed = asyncio.Event()

    def received(self, data):
        self.data += data
        self.changed.set()

    def ended(self):
        self.changed.set()

    def drained(self):
        self.changed.set()

    def lost(self):
        self.lost_once.set()


class Poor(socket.socket):
    """A socket for which there is no memory, from when its owner says so."""

    poor: str = ""

    def recv(self, *args):
        if self.poor == "recv":
            raise MemoryError
        return super().recv(*args)

    def send(self, *args):
        if self.poor == "send":
            raise MemoryError
        return super().send(*args)


@pytest.fixture
def told():
    """Collect what the loop is told of, once there is one."""
    seen = []

    def told():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
        return seen

    return told


@pytest.fixture
def between(monkeypatch):
    """Return two sockets, the first of which is poor, and a receiver of it in the loop's epoll."""
    monkeypatch.setenv("SOCK_REACTOR", "epoll")
    ends = []

    def between():
        ours, theirs = socket.socketpair()
        poor = Poor(fileno=ours.detach())
        for one in (poor, theirs):
            one.setblocking(False)
        ends.append(theirs)
        made = []

        def connect(pipe):
            made.append(Reads(pipe))
            return made[0]

        adopt(Reactor.of(asyncio.get_running_loop()), poor, connect)
        return poor, theirs, made[0]

    yield between
    for one in ends:
        one.close()


async def some_turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@only_pure
def test_a_connection_for_which_nothing_can_be_received_is_cut_and_told_of_once(run, between, told):
    async def scenario():
        seen = told()
        poor, theirs, receiver = between()
        _, other, well = between()
        poor.poor = "recv"
        theirs.send(b"never read")
        other.send(b"hello")
        await receiver.lost_once.wait()
        while well.data != b"hello":
            await asyncio.sleep(0)
        await some_turns()
        assert [type(context["exception"]) for context in seen] == [MemoryError]
        well.pipe.abort()
        await well.lost_once.wait()

    run(scenario())


@only_pure
def test_a_connection_to_which_nothing_can_be_sent_is_cut_and_told_of_once(run, between, told):
    async def scenario():
        seen = told()
        poor, theirs, receiver = between()
        receiver.pipe.write(bytes(1 << 22))
        assert receiver.pipe.pending > 0
        poor.poor = "send"
        try:
            while theirs.recv(1 << 20):
                pass
        except BlockingIOError:
            pass
        await receiver.lost_once.wait()
        await some_turns()
        assert [type(context["exception"]) for context in seen] == [MemoryError]

    run(scenario())


@only_pure
def test_an_epoll_that_cannot_be_read_is_looked_at_again_later(run, between, told, monkeypatch):
    real = select.epoll

    class Epoll:
        poor = False

        def __init__(self):
            self._epoll = real()

        def poll(self, *args):
            if Epoll.poor:
                raise MemoryError
            return self._epoll.poll(*args)

        def __getattr__(self, name):
            return getattr(self._epoll, name)

    monkeypatch.setattr(select, "epoll", Epoll)

    async def scenario():
        seen = told()
        _, theirs, receiver = between()
        Epoll.poor = True
        theirs.send(b"hello")
        while not seen:
            await asyncio.sleep(0)
        await some_turns()
        assert len(seen) == 1
        Epoll.poor = False
        while receiver.data != b"hello":
            receiver.changed.clear()
            await receiver.changed.wait()
        receiver.pipe.abort()
        await receiver.lost_once.wait()

    run(scenario())


def test_a_connection_whose_receiver_cannot_be_made_is_cut(run, native, told, monkeypatch):
    monkeypatch.setenv("SOCK_REACTOR", "epoll" if native else "transport")

    def connect(pipe):
        raise MemoryError

    async def scenario():
        seen = told()
        reactor = Reactor.of(asyncio.get_running_loop())
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        theirs.send(b"hello")
        if native:
            with pytest.raises(MemoryError):
                adopt(reactor, ours, connect)
        else:
            adopt(reactor, ours, connect)
        with theirs:
            try:
                while await asyncio.get_running_loop().sock_recv(theirs, 100):
                    pass
            except ConnectionError:
                pass
        await some_turns()
        assert len(seen) <= 1

    run(scenario())
