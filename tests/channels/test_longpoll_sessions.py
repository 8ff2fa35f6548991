"""Sessions: live connections without a socket."""

from __future__ import annotations

import asyncio

import pytest

from sock import MailboxFull, Options, Remote, Shutdown
from sock.channels.longpoll import LongPoll
from sock.hosting.members import Members
from sock.pubsub import PubSub
from tests.channels.poll_client import Client, Echo

pytestmark = pytest.mark.one_form


@pytest.fixture
def ended(monkeypatch):
    monkeypatch.setattr(Echo, "ended", [])
    monkeypatch.setattr(Echo, "refs", [])
    return Echo.ended


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_client_that_does_not_come_back_is_lost(run_async, ended):
    async def main():
        poll = LongPoll(PubSub("memory:"), 0.1, 10)
        client = Client(poll)
        await client.get()
        for _ in range(3):  # for longer than a session is kept
            assert (await client.get())[0] == 204
        await until(lambda: ended)
        assert ended == [Remote(1006)]
        assert await client.post('["x"]') == 410

    run_async(main())


def test_posts_do_not_keep_a_session(run_async, ended):
    async def main():
        poll = LongPoll(PubSub("memory:"), 0.1, 10)
        client = Client(poll)
        await client.get()
        async with asyncio.timeout(20):
            while await client.post('["x"]') == 200:
                await asyncio.sleep(0.02)
        assert ended == [Remote(1006)]

    run_async(main())


def test_a_drain_ends_sessions_as_it_ends_connections(run_async, ended):
    async def main():
        poll = LongPoll(PubSub("memory:"), 10, 10)
        client = Client(poll)
        await client.get()
        await client.post('["a"]')
        await client.get()
        waiting = asyncio.create_task(client.get())
        await asyncio.sleep(0)
        assert await Members.of(asyncio.get_running_loop()).drain(5) == 0
        assert ended == [Shutdown()]
        assert (await waiting)[0] == 410

    run_async(main())


def test_the_end_of_an_endpoint_ends_its_sessions(run_async, ended):
    async def main():
        poll = LongPoll(PubSub("memory:"), 10, 10)
        for client in (Client(poll), Client(poll)):
            await client.get()
            await client.post('["a"]')
        await poll.end()
        assert ended == [Shutdown(), Shutdown()]

    run_async(main())


def test_what_a_session_takes_too_long_for_is_told_408(run_async, ended):
    async def main():
        poll = LongPoll(PubSub("memory:"), 0.2, 10)
        # One frame is being handled, and one may wait; the third one is not asked for.
        client = Client(poll, options=Options(max_read_ahead=1))
        await client.get()
        assert await client.post('["slow"]', '["2"]', '["3"]') == 408
        await poll.end()

    run_async(main())


def test_a_client_that_does_not_fetch_is_too_slow(run_async, ended):
    async def main():
        poll = LongPoll(PubSub("memory:"), 10, 10)
        client = Client(poll, options=Options(max_mailbox=4, max_send_buffer=100_000))
        await client.get()
        await client.post('["a"]')
        [ref] = Echo.refs
        for _ in range(20):
            ref.send("x" * 30_000)
        await until(lambda: ended)
        assert type(ended[0].error) is MailboxFull
        assert await client.post('["x"]') == 410

    run_async(main())
