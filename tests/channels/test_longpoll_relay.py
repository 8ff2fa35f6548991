"""Requests that land in another process. Two polls on one pubsub are as two processes."""

from __future__ import annotations

import asyncio

import pytest

from sock.channels import longpoll_relay
from sock.channels.longpoll import LongPoll
from sock.pubsub import BackendDown, PubSub
from tests.broker import redis_server
from tests.channels.poll_client import Client

pytestmark = pytest.mark.one_form


@pytest.fixture
def two(run_async):
    """Run a conversation of a client with its poll, and with another one."""

    def two(conversation, *, window=10.0):
        async def whole():
            pubsub = PubSub("memory:")
            own, other = (LongPoll(pubsub, window, 10) for _ in range(2))
            client = Client(own)
            try:
                await client.get()
                await conversation(client, other)
            finally:
                await own.end()
                await other.end()

        run_async(whole())

    return two


def test_a_request_for_another_process_is_passed_on(two):
    async def conversation(client, other):
        assert await client.post('["a"]', '["b"]', by=other) == 200
        assert await client.get(by=other) == (200, ['["a"]', '["b"]'])
        assert await client.post(b"AAAA", by=other) == 200
        waiting = asyncio.create_task(client.get(by=other))
        assert await waiting == (200, ["3 bytes"])

    two(conversation)


def test_a_get_waits_in_another_process_too(two):
    async def conversation(client, other):
        waiting = asyncio.create_task(client.get(by=other))
        await asyncio.sleep(0.05)
        assert await client.post('["late"]') == 200
        assert await waiting == (200, ['["late"]'])

    two(conversation)


def test_nothing_for_a_window_is_204_from_another_process_too(two):
    async def conversation(client, other):
        assert await client.get(by=other) == (204, [])

    two(conversation, window=0.05)


def test_a_process_that_is_silent_has_no_session(two, monkeypatch):
    monkeypatch.setattr(longpoll_relay, "PATIENCE", 0.05)

    async def conversation(client, other):
        client.token = f"{client.token[:12]}.{'x' * 22}"
        assert await client.post('["a"]', by=other) == 410

    two(conversation)


def test_requests_that_wait_are_bounded(two, monkeypatch):
    monkeypatch.setattr(longpoll_relay, "MAX_ASKED", 1)

    async def conversation(client, other):
        waiting = asyncio.create_task(client.get(by=other))
        await asyncio.sleep(0.05)
        assert await client.post('["a"]', by=other) == 410
        assert await client.post('["b"]') == 200
        assert await waiting == (200, ['["b"]'])

    two(conversation)


@pytest.mark.parametrize("data", [b"", b"\xc1", "text", b"\x93\xa3ask\x01", b"\x92\xa6answer\x01"])
def test_what_no_process_of_ours_has_sent_is_dropped(two, data):
    async def conversation(client, other):
        pubsub = other._pubsub
        await pubsub.broadcast(f"longpoll:{client.token[:12]}", data)
        assert await client.post('["a"]', by=other) == 200

    two(conversation)


def test_a_backend_that_was_away_at_the_first_request_is_tried_again(run_async):
    broker = redis_server()

    async def main():
        pubsub = PubSub(broker.url, require=True)
        poll = LongPoll(pubsub, 0.1, 10)
        client = Client(poll)
        with pytest.raises(BackendDown):
            await client.get()
        with broker.start():
            assert (await client.get())[0] == 410
            await poll.end()
            await pubsub.__aexit__(None, None, None)

    run_async(main())
