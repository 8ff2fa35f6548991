"""What holds up the end of a connection, as the connection itself tells it."""

from __future__ import annotations

import asyncio

from sock import Sock, Stream


class Works(Sock):
    ref = None

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        if message == "stream":
            return Stream(self.items())
        if message == "spawn":
            self.ref.spawn(asyncio.Event().wait())
            return None
        return asyncio.Event().wait()

    async def items(self):
        await asyncio.Event().wait()
        yield "never"


def test_a_callback_is_named_before_a_stream_and_a_stream_before_a_task(run, open_link):
    async def act():
        for messages, by, place in (
            (["spawn"], "task", ""),
            (["spawn", "stream"], "stream", "Works.handle_in"),
            (["spawn", "stream", "callback"], "callback", "Works.handle_in"),
        ):
            connection = await open_link(Works)
            connection.peer.send(*messages)
            await connection.peer.until_pong()
            held = connection.link.held_by()
            assert (held.by, held.handler, held.place) == (by, "Works", place)
            assert held.seconds >= 0
            connection.link.shutdown(None)
            connection.link.cut()
            await connection.over()

    run(act())


def test_without_work_it_is_the_peer(run, open_link):
    async def act():
        connection = await open_link(Works)
        held = connection.link.held_by()
        assert (held.by, held.handler, held.seconds, held.pending) == ("peer", "Works", None, 0)

    run(act())


def test_only_a_connection_that_finishes_has_work_to_end(run, open_link):
    async def act():
        connection = await open_link(Works)
        connection.peer.send("callback")
        await connection.peer.until_pong()
        assert not connection.link.end_work()
        connection.link.abandon_work()  # it is not ending: nothing happens
        connection.link.shutdown(None)
        assert connection.link.end_work()
        assert not connection.link.end_work()
        assert (await connection.peer.next()).code == 1012

    run(act())
