"""The address of a connection: from this thread, from others, and after the end."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from sock import Options, Request, Sock, TextSock
from sock.runtime import Link, Reactor
from sock.wire.frame import Close


class Hears(Sock):
    """Pushes every info, as the contract says of a class without handle_info."""

    def init(self, ref):
        self.ref = ref


def test_an_info_that_is_a_message_is_pushed_in_the_order_sent(run, open_link):
    # rule 10
    async def scenario():
        connection = await open_link(Hears)
        for n in range(100):
            connection.handler.ref.send(f"{n}")
        assert [await connection.peer.next() for _ in range(100)] == [f"{n}" for n in range(100)]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_send_never_runs_the_receiver(run, open_link):
    class Notes(Hears):
        def handle_info(self, info):
            told.append(info)

    told = []

    async def scenario():
        connection = await open_link(Notes)
        connection.handler.ref.send("one")
        assert told == []
        await asyncio.sleep(0)
        assert told == ["one"]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_what_other_threads_send_arrives_in_the_order_of_each(run, open_link):
    async def scenario():
        connection = await open_link(Hears, max_mailbox=None)
        threads = [
            threading.Thread(
                target=lambda name=name: [
                    connection.handler.ref.send(f"{name} {n}") for n in range(200)
                ]
            )
            for name in "abc"
        ]
        for thread in threads:
            thread.start()
        received = [await connection.peer.next() for _ in range(600)]
        for thread in threads:
            thread.join()
        for name in "abc":
            own = [one for one in received if one.startswith(name)]
            assert own == [f"{name} {n}" for n in range(200)]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_thread_that_floods_closes_its_receiver_with_1013_and_is_bounded(run, open_link):
    async def scenario():
        connection = await open_link(Hears, max_mailbox=10, close_timeout=0.2)
        thread = threading.Thread(
            target=lambda: [connection.handler.ref.send("x") for _ in range(100_000)]
        )
        thread.start()
        thread.join()
        assert connection.link.foreign <= 12
        while isinstance(event := await connection.peer.next(), str):
            pass
        assert isinstance(event, Close)
        assert event.code == 1013
        await connection.over()

    run(scenario())


def test_a_closed_ref_is_silent(run, open_link):
    async def scenario():
        connection = await open_link(Hears)
        ref = connection.handler.ref
        assert not ref.closed
        assert "live" in repr(ref)
        connection.peer.close()
        await connection.over()
        assert ref.closed
        assert "closed" in repr(ref)
        ref.send("nobody hears")
        ref.send_after(0, "nobody hears").cancel()
        assert ref.request.target == "/"
        task = ref.spawn(asyncio.sleep(3600))
        await asyncio.wait([task])
        assert task.cancelled()

    run(scenario())


def test_send_after_sends_later_unless_it_is_cancelled(run, open_link):
    async def scenario():
        connection = await open_link(Hears)
        ref = connection.handler.ref
        ref.send_after(0.05, "second")
        ref.send_after(0.0, "first")
        never = ref.send_after(0.02, "never")
        never.cancel()
        never.cancel()
        assert [await connection.peer.next() for _ in range(2)] == ["first", "second"]
        ref.send_after(3600, "forgotten when the connection ends")
        connection.peer.close()
        await connection.over()
        assert not connection.link.timers

    run(scenario())


def test_an_exception_in_a_spawned_task_ends_the_connection_with_1011(run, open_link):
    class Spawns(TextSock):
        def __init__(self, request: Request) -> None: ...

        def init(self, ref):
            ref.spawn(self.fail())

        async def fail(self):
            raise ValueError

    async def scenario():
        connection = await open_link(Spawns)
        assert await connection.peer.next() == Close(1011, "")
        connection.peer.close(1011)
        await connection.over()

    run(scenario())


def test_a_spawned_task_that_its_owner_cancels_is_no_failure(run, open_link):
    class Spawns(Hears):
        def init(self, ref):
            super().init(ref)
            self.task = ref.spawn(asyncio.sleep(3600))

        def handle_in(self, message):
            self.task.cancel()
            return "cancelled"

    async def scenario():
        connection = await open_link(Spawns)
        connection.peer.send("go")
        assert await connection.peer.next() == "cancelled"
        await connection.peer.until_pong()
        assert not connection.handler.ref.closed
        connection.link.abort()
        await connection.over()

    run(scenario())


class Answers(Hears):
    def handle_info(self, info):
        return info


@pytest.mark.parametrize("kind", [Hears, Answers])
def test_a_loop_may_go_on_in_another_thread(loop_factory, monkeypatch, native, kind):
    """A server set up by the main thread, say, whose loop then runs beside it."""
    monkeypatch.setenv("SOCK_REACTOR", "epoll" if native else "transport")
    loop = loop_factory()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(5)
    made, over = [], asyncio.Event()

    def connect(channel):
        request = Request("GET", "/")
        reactor = Reactor.of(loop)
        made.append(
            Link(
                reactor,
                channel,
                request,
                kind(request),
                Options(),
                on_over=lambda link: over.set(),
            )
        )
        return made[0]

    async def begin():
        Reactor.of(loop).adopt(ours, connect)
        while not made:
            await asyncio.sleep(0)
        made[0].begin(b"")

    loop.run_until_complete(begin())
    ref = made[0].ref
    running = threading.Thread(target=loop.run_forever)
    running.start()
    try:
        for message in ("one", "two"):
            ref.send(message)
            assert theirs.recv(5) == b"\x81\x03" + message.encode()
    finally:
        theirs.close()
        asyncio.run_coroutine_threadsafe(over.wait(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        running.join()
        loop.close()
