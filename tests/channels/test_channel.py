"""What a channel offers to its methods, beyond the rows of its lane."""

import threading
from typing import Any

import pytest

from sock import testing
from sock.channels import Channel, Socket, on
from tests.channels.conftest import Raw

pytestmark = pytest.mark.one_form

JOIN = ["1", "1", "room:1", "phx_join", {}]
OK = {"status": "ok", "response": {}}


def test_assigns_are_those_of_the_socket_and_belong_to_the_channel(serve):
    class Named(Socket):
        def connect(self, params, info):
            self.assigns.name = params["name"]

    class Room(Channel):
        def join(self, topic: str, params: dict[str, Any]):
            was, self.assigns.name = self.assigns.name, topic
            return {"was": was}

    client = serve(Room, Named).raw("vsn=2.0.0&name=ada")
    for ref, topic in (("1", "room:1"), ("2", "room:2")):
        ((*_, answer),) = client.say([ref, ref, topic, "phx_join", {}])
        assert answer["response"] == {"was": "ada"}


def test_what_a_channel_says_after_its_end_is_dropped(serve):
    kept = []

    class Room(Channel):
        def after_join(self):
            kept.append(self)

    client = serve(Room).raw()
    client.say(JOIN, ["2", "2", "room:1", "phx_join", {}])
    kept[0].push("old")
    kept[1].push("new")
    assert client.heard() == [["2", None, "room:1", "new", {}]]


def test_broadcast_soon_works_in_plain_methods_with_and_without_oneself(serve):
    class Room(Channel):
        @on("soon")
        def soon(self, to_self: bool):
            self.broadcast_soon("soon", {"n": 1}, to_self=to_self)
            return {}

    served = serve(Room)
    ada, bob = served.raw(), served.raw()
    ada.say(JOIN)
    bob.say(JOIN)
    soon = [None, None, "room:1", "soon", {"n": 1}]
    assert ada.say(["1", "2", "room:1", "soon", True]) == [
        soon,
        ["1", "2", "room:1", "phx_reply", OK],
    ]
    assert ada.say(["1", "3", "room:1", "soon", False]) == [["1", "3", "room:1", "phx_reply", OK]]
    assert bob.heard() == [soon, soon]


def test_a_broadcast_of_bytes_is_a_binary_frame_and_nothing_in_the_first_version(serve):
    class Room(Channel):
        @on("blob")
        async def blob(self, payload: bytes):
            await self.broadcast("blob", payload)

    served = serve(Room)
    two, one = served.raw(), served.raw("")
    two.say(JOIN)
    one.say({"topic": "room:1", "event": "phx_join", "payload": {}, "ref": "1"})
    assert two.say(b"\x00\x01\x01\x06\x0412room:1blob\x01\x02") == [
        b"\x02\x06\x04room:1blob\x01\x02"
    ]
    assert one.heard() == []


def test_a_deferred_reply_is_given_later_from_another_thread(serve):
    kept = []

    class Room(Channel):
        @on("later")
        def later(self, payload: dict[str, Any]):
            kept.append(self.defer())

    client = serve(Room).raw()
    client.say(JOIN)
    assert client.say(["1", "2", "room:1", "later", {}], ["1", "3", "room:1", "later", {}]) == []
    thread = threading.Thread(target=lambda: kept[1].ok({"n": 3}))
    thread.start()
    thread.join()
    kept[0].error({"reason": "late"})
    kept[0].reply("odd")
    answers = {one[1]: one[-1] for one in client.heard()}
    assert answers["3"] == {"status": "ok", "response": {"n": 3}}
    assert answers["2"] == {"status": "odd", "response": {}}


def test_defer_outside_of_an_event_is_refused(serve, events):
    class Room(Channel):
        def after_join(self):
            self.defer()

    serve(Room).raw().say(JOIN)
    assert "defer() is for the method" in str(events[1][1]["error"])


def test_a_class_whose_types_are_missing_crashes_its_joins_where_there_is_no_lifespan(
    serve, events
):
    class Room(Channel):
        @on("a")
        def a(self, payload: "Missing"): ...  # noqa: F821

    endpoint = serve(Room).endpoint
    with testing.open(endpoint.__call__, "/socket/websocket?vsn=2.0.0") as session:
        ((*_, answer),) = Raw(session).say(JOIN)
    assert answer["response"] == {"reason": "join crashed"}
    assert "Missing" in str(events[0][1]["error"])
