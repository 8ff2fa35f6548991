"""Long poll, request by request, by the table of the module."""

from __future__ import annotations

import asyncio
import base64

import pytest

from sock.channels.longpoll import MAX_BODY, LongPoll
from sock.pubsub import PubSub
from tests.channels.poll_client import Client

pytestmark = pytest.mark.one_form


@pytest.fixture
def talk(run_async):
    """Run a conversation with a long poll, and end its sessions."""

    def talk(conversation, *, window=10.0, max_sessions=100, **settings):
        async def whole():
            poll = LongPoll(PubSub("memory:"), window, max_sessions)
            try:
                await conversation(Client(poll, **settings))
            finally:
                await poll.end()

        run_async(whole())

    return talk


def test_a_get_without_a_session_begins_one(talk):
    async def conversation(client):
        assert await client.get() == (410, [])
        first = client.token
        client.token = None
        await client.get()
        assert client.token != first

    talk(conversation)


def test_a_get_takes_all_that_was_sent(talk):
    async def conversation(client):
        await client.get()
        assert await client.post('["a"]', '["twice"]', '["b"]') == 200
        assert await client.get() == (200, ['["a"]', "1", "2", '["b"]'])

    talk(conversation)


def test_a_get_waits_for_the_next_frame(talk):
    async def conversation(client):
        await client.get()
        waiting = asyncio.create_task(client.get())
        await asyncio.sleep(0)
        assert await client.post('["late"]') == 200
        assert await waiting == (200, ['["late"]'])

    talk(conversation)


def test_a_get_is_told_204_after_a_window(talk):
    async def conversation(client):
        await client.get()
        assert await client.get() == (204, [])

    talk(conversation, window=0.05)


def test_a_second_get_sends_the_first_away(talk):
    async def conversation(client):
        await client.get()
        first = asyncio.create_task(client.get())
        await asyncio.sleep(0)
        second = asyncio.create_task(client.get())
        assert await first == (204, [])
        await client.post('["x"]')
        assert await second == (200, ['["x"]'])

    talk(conversation)


def test_a_token_may_stand_in_a_header(talk):
    async def conversation(client):
        await client.get()
        headers = {"X-Phoenix-LongPoll-Token": client.token}
        client.token = None
        response = await client.ask("POST", b'["x"]', headers)
        assert response.body == '{"status":200}'
        assert '"messages":["[\\"x\\"]"]' in (await client.ask("GET", headers=headers)).body

    talk(conversation)


def test_a_refused_client_is_told_403(talk):
    async def conversation(client):
        assert await client.get() == (403, None)

    talk(conversation, handler=None)


def test_a_page_of_another_site_is_told_403(talk):
    async def conversation(client):
        response = await client.ask("GET", headers={"Origin": "https://evil.example"})
        assert (response.status, response.body) == (200, '{"status":403}')

    talk(conversation)


def test_sessions_are_bounded(talk):
    async def conversation(client):
        await client.get()
        client.token = None
        assert await client.get() == (500, None)

    talk(conversation, max_sessions=1)


@pytest.mark.parametrize("token", ["x", "a.b", "A" * 12 + "." + "B" * 22, "é", "." * 100_000])
def test_a_token_of_no_session_is_gone(talk, token, monkeypatch):
    monkeypatch.setattr("sock.channels.longpoll_relay.PATIENCE", 0.05)

    async def conversation(client):
        client.token = token
        assert await client.post('["x"]') == 410
        assert await client.get() == (410, [])  # a new one, which older clients take
        assert client.token != token
        assert await client.post('["x"]') == 200

    talk(conversation)


def test_lines_are_text_or_binary_frames_in_base64(talk):
    async def conversation(client):
        await client.get()
        line = base64.b64encode(b"\x00" * 10)
        assert await client.post('["x"]\r', line, '{"v":1}', "") == 200
        assert await client.get() == (200, ['["x"]', "10 bytes", '{"v":1}'])

    talk(conversation)


def test_a_body_of_another_type_is_one_frame(talk):
    async def conversation(client):
        await client.get()
        assert await client.post('["a"]', '["b"]', kind="application/json") == 200
        assert await client.get() == (200, ['["a"]\n["b"]'])

    talk(conversation)


def test_more_than_a_hundred_lines_are_dropped(talk):
    async def conversation(client):
        await client.get()
        assert await client.post(*(f'["{number}"]' for number in range(150))) == 200
        _, messages = await client.get()
        assert messages == [f'["{number}"]' for number in range(100)]

    talk(conversation)


@pytest.mark.parametrize(
    "line", [b"no base64!", b"YQ", b'["\xff"]', b"A" * (MAX_BODY + 1), b"AAAA\n!"]
)
def test_a_malformed_body_is_refused_and_the_session_lives(talk, line):
    async def conversation(client):
        await client.get()
        assert await client.post('["before"]', line) == [400]
        assert await client.post('["x"]') == 200
        assert await client.get() == (200, ['["x"]'])

    talk(conversation)


def test_a_frame_above_the_limit_ends_the_session(talk):
    async def conversation(client):
        await client.get()
        assert await client.post(b"A" * 8_000_000) == 410
        assert await client.post('["x"]') == 410

    talk(conversation)


def test_a_session_that_ends_is_gone(talk):
    async def conversation(client):
        await client.get()
        waiting = asyncio.create_task(client.get())
        await asyncio.sleep(0)
        assert await client.post('["stop"]') == 410
        assert (await waiting)[0] == 410

    talk(conversation)


def test_a_page_may_ask_what_it_may_send(talk):
    async def conversation(client):
        response = await client.ask(
            "OPTIONS", headers={"Access-Control-Request-Headers": "x-phoenix-authtoken"}
        )
        assert response.status == 200
        assert dict(response.headers) == {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers": "x-phoenix-authtoken",
            "Access-Control-Allow-Methods": "get, post, options",
            "Access-Control-Max-Age": "3600",
        }

    talk(conversation)


def test_other_methods_are_refused(talk):
    async def conversation(client):
        assert (await client.ask("PUT")).status == 400

    talk(conversation)


def test_answers_are_not_kept(talk):
    async def conversation(client):
        headers = dict((await client.ask("GET")).headers)
        assert headers["Cache-Control"] == "no-store"
        assert headers["Access-Control-Allow-Origin"] == "*"

    talk(conversation)
