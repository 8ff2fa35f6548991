"""What a connection does with frames, whatever their topics are."""

import asyncio
import gc
import json
import weakref
from typing import Any

import pytest

from sock import telemetry, testing
from sock.channels import Channel, Endpoint, Socket, on
from sock.channels.limits import MAX_WAITING_BYTES
from sock.pubsub import PubSub

pytestmark = pytest.mark.one_form

OK = {"status": "ok", "response": {}}


class Room(Channel):
    @on("echo")
    def echo(self, payload: Any):
        return payload


def unmatched(ref, topic):
    answer = {"status": "error", "response": {"reason": "unmatched topic"}}
    return [None, ref, topic, "phx_reply", answer]


@pytest.mark.parametrize("ref", ["11", 0, None, 7.5, ["x"]])
def test_a_heartbeat_is_answered_with_its_ref_whatever_that_is(serve, ref):
    client = serve(Room).raw()
    assert client.say([None, ref, "phoenix", "heartbeat", {}]) == [
        [None, ref, "phoenix", "phx_reply", OK]
    ]


def test_a_heartbeat_of_the_first_version_has_its_answer_in_that_version(serve):
    client = serve(Room).raw("vsn=1.0.0")
    assert client.say({"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": None}) == [
        {"topic": "phoenix", "event": "phx_reply", "payload": OK, "ref": None}
    ]


@pytest.mark.parametrize(
    "topic", ["lobby", "phoenix", "", "room", "x" * 2000, "room:" + "é" * 500, 7, None, ["a"], {}]
)
def test_a_join_of_a_topic_without_a_route_is_unmatched_and_has_no_join_ref(serve, topic):
    client = serve(Room).raw()
    assert client.say(["1", "1", topic, "phx_join", {}]) == [unmatched("1", topic)]
    assert client.say(["1", "2", topic, "echo", {}]) == [unmatched("2", topic)]


def test_the_first_route_that_matches_counts(serve):
    class Named(Channel):
        def join(self, topic: str, params: dict[str, Any]):
            return {"named": topic}

    client = serve({"room:lobby": Named, "room:*": Room, "*": Named}).raw()
    topics = ["room:lobby", "room:1", "any"]
    answers = client.say(*([topic, topic, topic, "phx_join", {}] for topic in topics))
    assert [one[-1]["response"] for one in answers] == [
        {"named": "room:lobby"}, {}, {"named": "any"},
    ]  # fmt: skip


def test_one_channel_more_than_the_limit_is_refused_until_one_is_left(serve):
    client = serve(Room, max_channels=2).raw()
    client.say(*([str(n), str(n), f"room:{n}", "phx_join", {}] for n in (1, 2)))
    refused = {"status": "error", "response": {"reason": "too many channels joined"}}
    third = ["3", "3", "room:3", "phx_join", {}]
    assert client.say(third) == [["3", "3", "room:3", "phx_reply", refused]]
    assert client.say(["4", "4", "room:1", "phx_join", {}])[0][-1] == OK  # it takes a place over
    client.say(["2", "5", "room:2", "phx_leave", {}])
    assert client.say(third) == [["3", "3", "room:3", "phx_reply", OK]]


def test_the_101st_channel_is_refused(serve):
    client = serve(Room).raw()
    answers = client.say(*([str(n), str(n), f"room:{n}", "phx_join", {}] for n in range(101)))
    assert [one[-1]["status"] for one in answers] == ["ok"] * 100 + ["error"]


@pytest.mark.parametrize(
    "frame",
    ["no", '["1","1","room:1","phx_join"]', '{"topic":"t"}', b"\x09abc", b"\x00\x05\x01\x01\x01"],
)
def test_a_frame_that_cannot_be_decoded_ends_the_connection_with_1011(serve, frame):
    served = serve(Room)
    client, other = served.raw(), served.raw()
    client.say(["1", "1", "room:1", "phx_join", {}])
    client.say(frame)
    assert client.session.code == 1011
    assert client.session.error is None  # the peer's fault, and no crash
    assert other.say(["1", "1", "room:1", "phx_join", {}])[0][-1] == OK


def test_a_frame_of_the_first_version_without_a_key_ends_the_connection_with_1011(serve):
    client = serve(Room).raw("")
    client.say({"topic": "room:1", "event": "phx_join", "payload": {}})
    assert client.session.code == 1011


def test_a_binary_event_is_answered_in_binary(serve):
    client = serve(Room).raw()
    client.say(["1", "1", "room:1", "phx_join", {}])
    assert client.say(b"\x00\x01\x01\x06\x0412room:1echo\x00\xff") == [
        b"\x01\x01\x01\x06\x0212room:1ok\x00\xff"
    ]


def test_what_waits_for_channels_is_bounded_by_reading_no_more(serve):
    class Slow(Channel):
        @on("sleep")
        async def sleep(self, payload: dict[str, Any]):
            await asyncio.sleep(1)
            return {}

    client = serve(Slow, max_waiting=1000).raw()
    client.say(["1", "1", "room:1", "phx_join", {}])
    size = MAX_WAITING_BYTES // 4
    for number in range(8):
        client.say(["1", str(number), "room:1", "sleep", {"x": "x" * size}])
    assert client.session.unread > size
    client.session.advance(8)
    assert [one[1] for one in client.heard()] == [str(number) for number in range(8)]
    assert client.session.unread == 0


def test_a_flood_of_joins_and_leaves_leaves_nothing_behind(serve):
    served = serve(Room)
    client = served.raw()

    def flood():
        for n in range(100):
            ref = str(n)
            client.say(
                [ref, ref, f"room:{n}", "phx_join", {}], [ref, ref, f"room:{n}", "phx_leave", {}]
            )

    flood()
    gc.collect()
    before = len(gc.get_objects())
    flood()
    gc.collect()
    assert len(gc.get_objects()) - before < 100
    assert served.endpoint.pubsub.subscribers("channel:room:1") == ()


def test_a_connection_and_its_channels_are_freed_at_once_when_it_ends(monkeypatch):
    monkeypatch.setattr(telemetry, "_subscribers", ())  # a log keeps tracebacks
    kept = []

    class Own(Channel):
        async def join(self, topic: str, params: dict[str, Any]):
            kept.append(weakref.ref(self))
            self.ref.send_after(100, "late")

        @on("boom")
        async def boom(self, payload: Any):
            await asyncio.sleep(0)
            raise ValueError("boom")

        @on("sleep")
        async def sleep(self, payload: Any):
            await asyncio.sleep(100)

        async def terminate(self, reason): ...

    class UserSocket(Socket):
        channels = {"room:*": Own}

    endpoint = Endpoint({"/socket": UserSocket}, pubsub=PubSub("memory:"))
    gc.collect()
    gc.disable()
    try:
        with testing.open(endpoint, "/socket/websocket?vsn=2.0.0") as session:
            for n, event in enumerate(("boom", "sleep", "phx_leave", "phx_join", "nope")):
                for said in ("phx_join", event):
                    session.receive(json.dumps([str(n), str(n), f"room:{n}", said, {}]))
        assert len(kept) == 6
        assert [ref() for ref in kept] == [None] * 6
    finally:
        gc.enable()


def test_all_connections_with_an_id_are_ended_with_1001_and_no_others(serve):
    class Named(Socket):
        def connect(self, params, info):
            self.assigns.name = params.get("name")

        def id(self):
            return self.assigns.name and f"users:{self.assigns.name}"

    served = serve({"*": Room}, Named)
    ada, bob, nobody = (served.raw(f"vsn=2.0.0&name={name}") for name in ("ada", "bob", ""))
    ada.say(["1", "1", "users:ada", "phx_join", {}])  # a topic that has the same name
    ada.session.run(served.endpoint.broadcast("users:ada", "anything", {}))
    assert ada.heard() == [[None, None, "users:ada", "anything", {}]]
    ada.session.run(served.endpoint.disconnect("users:ada"))
    assert [one.session.code for one in (ada, bob, nobody)] == [1001, None, None]
    bob.session.run(served.endpoint.broadcast("users:bob", "disconnect", {}))
    assert [one.session.code for one in (bob, nobody)] == [1001, None]


def test_an_info_that_nobody_knows_is_dropped(serve):
    client = serve(Room).raw()
    client.session.info("what?")
    client.session.info(7)
    assert client.say([None, "1", "phoenix", "heartbeat", {}]) != []


def test_a_join_beside_another_one_gets_its_topics_own_broadcasts_only(serve):
    served = serve(Room)
    client = served.raw()
    client.say(["1", "1", "room:1", "phx_join", {}], ["2", "2", "room:2", "phx_join", {}])
    client.session.run(served.endpoint.broadcast("room:2", "news", {"a": 1}))
    assert client.heard() == [[None, None, "room:2", "news", {"a": 1}]]
