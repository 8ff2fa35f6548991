"""Broadcasts over HTTP, by the table of the module."""

from __future__ import annotations

import json

import pytest

from sock import mount, testing
from sock.channels import Endpoint, Mount, Socket
from sock.channels.supabase import SERIALIZERS, Realtime, Rest
from sock.pubsub import PubSub

pytestmark = pytest.mark.one_form

JSON = {"Content-Type": "application/json"}


class Live(Socket):
    channels = {"realtime:*": Realtime}


@pytest.fixture
def ask():
    """Ask, with a client that listens to "room 1"; return the status, the body and what it got."""
    endpoint = Endpoint(
        {"/live": Mount(socket=Live, serializers=SERIALIZERS)}, pubsub=PubSub("memory:")
    )

    async def allow(request, name):
        return name != "closed"

    rest = mount("/api/broadcast", Rest(endpoint, allow))

    def ask(path, body, headers=JSON, method="POST"):
        with testing.open(endpoint, "/live/websocket?vsn=2.0.0") as session:
            session.receive('["1","1","realtime:room 1","phx_join",{}]')
            assert len(session.pushed()) == 1
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            target = f"/api/broadcast{path}"
            request = testing.request(target, method=method, body=body, headers=headers)
            response = session.run(rest(request))
            return response.status, str(response.body), session.pushed()

    return ask


def test_several_messages_go_to_their_topics(ask):
    messages = [
        {"topic": "room 1", "event": "move", "payload": {"x": 1}, "private": False},
        {"topic": "room 2", "event": "move", "payload": {"x": 2}},
        {"topic": "room 1", "event": "end"},
    ]
    status, _, pushed = ask("", {"messages": messages})
    assert status == 202
    assert [json.loads(one)[3:] for one in pushed] == [
        ["broadcast", {"type": "broadcast", "event": "move", "payload": {"x": 1}}],
        ["broadcast", {"type": "broadcast", "event": "end", "payload": None}],
    ]


def test_a_path_names_topic_and_event(ask):
    status, _, pushed = ask("/room%201/events/move", [1])
    assert status == 202
    assert json.loads(pushed[0])[4]["payload"] == [1]


def test_bytes_are_sent_as_they_are(ask):
    kind = {"Content-Type": "application/octet-stream"}
    status, _, pushed = ask("/room%201/events/pixels", b"\xff", kind)
    assert status == 202
    assert pushed == [b"\x04\x0f\x06\x00\x00realtime:room 1pixels\xff"]


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("", b"{", 422, "truncated"),
        ("", {"messages": [{"topic": 7}]}, 422, "$.messages[0]"),
        ("/room/events/move", b"", 422, "truncated"),
        ("/room", {}, 404, "nothing here"),
        ("/closed/events/move", {}, 403, "no broadcasts to 'closed'"),
    ],
)
def test_what_may_not_be_sent_is_refused(ask, path, body, status, told):
    found, answer, pushed = ask(path, body)
    assert (found, pushed) == (status, [])
    assert told in json.loads(answer)["error"]


def test_nothing_is_sent_of_several_if_one_is_refused(ask):
    messages = [{"topic": topic, "event": "e"} for topic in ("room 1", "closed")]
    assert ask("", {"messages": messages})[0::2] == (403, [])


def test_a_page_may_ask_what_it_may_send(ask):
    assert ask("", b"", {"Access-Control-Request-Headers": "apikey"}, "OPTIONS")[0] == 200
    assert ask("", b"", {}, "GET")[0] == 405
