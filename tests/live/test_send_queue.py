"""What waits to be sent by a bridge: in order, by one task at a time."""

from __future__ import annotations

import asyncio

import pytest

from sock.engine.outbox import Outbox
from sock.live.send_queue import SendQueue
from sock.live.server_wire import QueuedClose


class Connection:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def begin_close(self, close):
        self.told.append(close.code)

    def cannot_send(self):
        self.told.append("cannot send")

    def has_sent(self):
        self.told.append("has sent")


class Wire:
    """Another server, which takes a message when it is let to; it counts who sends at once."""

    def __init__(self):
        self.sent, self.at_once = [], 0
        self.takes = asyncio.Event()
        self.takes.set()

    async def send(self, message):
        self.at_once += 1
        assert self.at_once == 1
        await self.takes.wait()
        self.at_once -= 1
        if message == "breaks":
            raise ConnectionResetError
        self.sent.append(message)


class Sending:
    def __init__(self):
        self.connection, self.wire = Connection(), Wire()
        self.outbox = Outbox(10, None)
        loop = asyncio.get_running_loop()
        self.queue = SendQueue(self.connection, self.wire, loop, self.outbox)

    async def until_sent(self):
        while self.queue.task is not None:
            await asyncio.sleep(0)


@pytest.fixture
def with_sending(run_async):
    def run(test):
        async def act():
            await test(Sending())

        run_async(act())

    return run


def test_what_is_put_leaves_in_order_by_one_task(with_sending):
    @with_sending
    async def _(sending):
        sending.wire.takes.clear()
        sending.queue.put("a", 1)
        sending.queue.begin()
        await asyncio.sleep(0)
        sending.queue.put("bc", 2)
        sending.queue.begin()
        assert sending.queue.size == 3
        sending.wire.takes.set()
        await sending.until_sent()
        assert sending.wire.sent == ["a", "bc"]
        assert sending.queue.size == 0
        assert sending.connection.told == []


def test_a_close_comes_last_and_its_leaving_is_told(with_sending):
    @with_sending
    async def _(sending):
        close = QueuedClose(1000, "")
        sending.queue.put("a", 1)
        assert sending.queue.last_close() is None
        sending.queue.put_close(close)
        assert sending.queue.last_close() is close
        sending.queue.begin()
        await sending.until_sent()
        assert sending.wire.sent == ["a"]
        assert sending.connection.told == [1000, "has sent"]


def test_a_peer_that_keeps_up_again_is_told(with_sending):
    @with_sending
    async def _(sending):
        sending.queue.put("x" * 11, 11)
        sending.outbox.update(11)
        sending.queue.begin()
        await sending.until_sent()
        assert sending.connection.told == ["has sent"]


def test_a_server_that_cannot_send_loses_what_waits(with_sending):
    @with_sending
    async def _(sending):
        for message in ("a", "breaks", "c"):
            sending.queue.put(message, len(message))
        sending.queue.begin()
        await sending.until_sent()
        assert sending.wire.sent == ["a"]
        assert (sending.connection.told, sending.queue.size) == (["cannot send"], 0)


def test_one_message_that_is_not_taken_is_overdue(with_sending):
    @with_sending
    async def _(sending):
        now = asyncio.get_running_loop().time
        sending.wire.takes.clear()
        assert not sending.queue.overdue(now() + 100, 5)
        sending.queue.put("a", 1)
        sending.queue.begin()
        assert not sending.queue.overdue(now(), 5)
        assert sending.queue.overdue(now() + 6, 5)
        assert not sending.queue.overdue(now() + 100, None)
        await asyncio.sleep(0)
        sending.queue.forget()
        await sending.until_sent()


def test_a_queue_that_was_forgotten_tells_nobody(with_sending):
    @with_sending
    async def _(sending):
        sending.wire.takes.clear()
        sending.queue.put("breaks", 6)
        sending.queue.put_close(QueuedClose(1000, ""))
        sending.queue.begin()
        await asyncio.sleep(0)
        sending.queue.forget()
        sending.wire.takes.set()
        await sending.until_sent()
        assert sending.connection.told == []
