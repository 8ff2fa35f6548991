"""The rows of the table of the life cycle, and what a client sees of them, by raw frames."""

import asyncio
from typing import Any

import pytest

from sock import Stop
from sock.channels import (
    Channel,
    Closed,
    Crashed,
    Duplicate,
    Left,
    ReplyError,
    Stopped,
    intercept,
    on,
)
from sock.channels.lifecycle import SHUTDOWN_TIMEOUT
from tests.channels.room import JOIN, OK, Room, refusal, reply

pytestmark = pytest.mark.one_form


@pytest.fixture
def room():
    class Own(Room): ...

    return Own


@pytest.fixture
def joined(serve, room):
    client = serve(room).raw()
    assert client.say(JOIN) == [reply("1", "1", {})]
    return client


# EMPTY


def test_join_is_answered_with_an_empty_response_or_with_that_of_the_method(serve, room):
    client = serve(room).raw()
    assert client.say(JOIN) == [reply("1", "1", {})]
    assert client.say(["2", "2", "room:2", "phx_join", {"response": [1, "x"]}]) == [
        reply("2", "2", [1, "x"], topic="room:2")
    ]


def test_leave_of_a_topic_that_is_not_joined_is_answered_ok(serve, room):
    client = serve(room).raw()
    assert client.say(["1", "7", "room:1", "phx_leave", {}]) == [reply("1", "7", {})]


def test_event_for_a_topic_that_is_not_joined_is_unmatched_and_has_no_join_ref(serve, room):
    client = serve(room).raw()
    assert client.say(["1", "7", "room:1", "echo", {}]) == [refusal(None, "7", "unmatched topic")]


# JOINING


def test_join_that_is_refused_has_the_response_of_the_error(serve, room, events):
    client = serve(room).raw()
    assert client.say(["1", "1", "room:1", "phx_join", {"refuse": "unauthorized"}]) == [
        refusal("1", "1", "unauthorized")
    ]
    assert client.say(["1", "2", "room:1", "echo", {}]) == [refusal(None, "2", "unmatched topic")]
    assert [event for event, _ in events] == ["channel.refused"]
    assert room.ended == []


def test_join_that_raises_has_crashed(serve, room, events):
    client = serve(room).raw()
    assert client.say(["1", "1", "room:1", "phx_join", {"crash": 1}]) == [
        refusal("1", "1", "join crashed")
    ]
    ((event, fields),) = events
    assert (event, fields["place"], str(fields["error"])) == (
        "channel.crashed",
        f"{room.__qualname__}.join",
        "join",
    )


def test_join_whose_response_cannot_be_sent_has_crashed_and_listens_to_nothing(serve):
    class Own(Channel):
        def join(self, topic: str, params: dict[str, Any]):
            return {"x": object()}

    served = serve(Own)
    client = served.raw()
    assert client.say(JOIN) == [refusal("1", "1", "join crashed")]
    client.session.run(served.endpoint.broadcast("room:1", "news", {}))
    assert client.heard() == []


def test_join_with_parameters_of_another_type_is_refused(serve):
    class Own(Channel):
        def join(self, topic: str, params: dict[str, int]): ...

    assert serve(Own).raw().say(["1", "1", "room:1", "phx_join", {"a": "b"}]) == [
        reply(
            "1",
            "1",
            {
                "reason": "invalid payload",
                "errors": [{"path": "$[...]", "message": "expected `int`, got `str`"}],
            },
            "error",
        )
    ]


def test_join_that_takes_too_long_has_crashed_while_heartbeats_and_other_topics_go_on(serve):
    class Slow(Channel):
        async def join(self, topic: str, params: dict[str, Any]):
            if topic == "room:1":
                await asyncio.sleep(1000)

    client = serve(Slow, join_timeout=30).raw(options=None, pongs=True)
    assert client.say(JOIN) == []
    assert client.say([None, "2", "phoenix", "heartbeat", {}]) == [
        [None, "2", "phoenix", "phx_reply", OK]
    ]
    assert client.say(["3", "3", "room:3", "phx_join", {}]) == [reply("3", "3", {}, topic="room:3")]
    client.session.advance(29)
    assert client.heard() == []
    client.session.advance(2)
    assert client.heard() == [refusal("1", "1", "join crashed")]


def test_join_reply_comes_before_everything_else_of_the_channel(serve):
    class Eager(Room):
        async def join(self, topic: str, params: dict[str, Any]):
            await served.endpoint.broadcast(topic, "early", {})

        async def after_join(self):
            self.push("first", {})
            await self.broadcast("second", {})

    served = serve(Eager)
    client = served.raw()
    assert client.say(JOIN) == [
        reply("1", "1", {}),
        ["1", None, "room:1", "first", {}],
        [None, None, "room:1", "second", {}],
    ]


@pytest.mark.parametrize("how", ["push", "broadcast_soon"])
def test_nothing_can_be_pushed_before_the_join_is_finished(serve, events, how):
    class Own(Channel):
        def join(self, topic: str, params: dict[str, Any]):
            getattr(self, how)("early", {})

    assert serve(Own).raw().say(JOIN) == [refusal("1", "1", "join crashed")]
    assert "after_join" in str(events[0][1]["error"])


# JOINED


def test_event_is_answered_with_what_its_method_returns(joined):
    assert joined.say(["1", "2", "room:1", "echo", {"n": 1}]) == [reply("1", "2", {"n": 1})]


def test_event_without_a_result_has_no_reply(joined):
    assert joined.say(["1", "2", "room:1", "news", {"n": 1}]) == [
        ["1", None, "room:1", "news", {"n": 1}]
    ]


def test_event_without_a_ref_has_no_reply(joined):
    assert joined.say(["1", None, "room:1", "echo", {"n": 1}]) == []
    assert joined.say(["1", None, "room:1", "nope", {}]) == []


def test_a_broadcast_comes_before_the_reply_of_the_same_method(serve, room):
    served = serve(room)
    ada, bob = served.raw(), served.raw()
    ada.say(JOIN)
    bob.say(JOIN)
    shout = [None, None, "room:1", "shout", {"a": 1}]
    assert ada.say(["1", "2", "room:1", "shout", {"a": 1}]) == [
        shout,
        reply("1", "2", {"done": True}),
    ]
    assert bob.heard() == [shout]


def test_broadcast_from_leaves_out_the_channel_that_calls_it(serve, room):
    served = serve(room)
    ada, bob = served.raw(), served.raw()
    ada.say(JOIN)
    bob.say(JOIN)
    assert ada.say(["1", "2", "room:1", "tell", {"a": 1}]) == []
    assert bob.heard() == [[None, None, "room:1", "shout", {"a": 1}]]


def test_an_unknown_event_and_one_that_is_no_str_are_answered_and_the_channel_lives(joined):
    for event in ("nope", "phx_nope", 7, None, ["a"], {}):
        assert joined.say(["1", "2", "room:1", event, {}]) == [refusal("1", "2", "unmatched event")]
    assert joined.say(["1", "3", "room:1", "echo", {}]) == [reply("1", "3", {})]


@pytest.mark.parametrize("payload", [[1], "text", 7, None])
def test_a_payload_of_another_type_is_answered_and_the_channel_lives(joined, payload):
    ((*_, answer),) = joined.say(["1", "2", "room:1", "echo", payload])
    assert answer["status"] == "error"
    assert answer["response"]["reason"] == "invalid payload"
    (error,) = answer["response"]["errors"]
    assert error["path"] == "$"
    assert error["message"].startswith("expected `object`")


@pytest.mark.parametrize(("event", "payload"), [("nope", {}), ("echo", [])])
def test_with_strict_what_is_not_understood_ends_the_channel(serve, events, event, payload):
    class Strict(Room):
        strict = True

    client = serve(Strict).raw()
    client.say(JOIN)
    assert client.say(["1", "2", "room:1", event, payload]) == [
        ["1", "1", "room:1", "phx_error", {"reason": "channel_crash"}]
    ]
    ((_, fields),) = [one for one in events if one[0] == "channel.crashed"]
    assert event in str(fields["error"])


def test_an_error_that_is_raised_is_the_reply_and_the_channel_lives(serve):
    class Own(Room):
        @on("refuse")
        async def refuse(self, payload: dict[str, Any]):
            await asyncio.sleep(0)
            raise ReplyError(reason="empty")

    client = serve(Own).raw()
    client.say(JOIN)
    assert client.say(["1", "2", "room:1", "refuse", {}]) == [refusal("1", "2", "empty")]
    assert client.say(["1", "3", "room:1", "echo", {}]) == [reply("1", "3", {})]


@pytest.mark.parametrize("join_ref", ["2", 1, "", 0, False])
@pytest.mark.parametrize("event", ["echo", "phx_leave", "nope"])
def test_event_or_leave_with_another_join_ref_is_dropped_without_a_word(joined, join_ref, event):
    assert joined.say([join_ref, "2", "room:1", event, {}]) == []
    assert joined.say(["1", "3", "room:1", "echo", {}]) == [reply("1", "3", {})]


def test_event_whose_join_ref_is_null_is_accepted_and_answered_with_that_of_the_join(joined):
    assert joined.say([None, "2", "room:1", "echo", {}]) == [reply("1", "2", {})]


def test_integer_references_from_zero_are_given_back_as_they_came(serve, room):
    client = serve(room).raw()
    assert client.say([0, 0, "room:1", "phx_join", {}]) == [reply(0, 0, {})]
    assert client.say([0, 1, "room:1", "echo", {}]) == [reply(0, 1, {})]
    assert client.say([False, 1, "room:1", "echo", {}]) == []
    assert client.say([0, 2, "room:1", "phx_leave", {}]) == [
        reply(0, 2, {}),
        [0, 0, "room:1", "phx_close", {}],
    ]


def test_a_join_without_a_join_ref_is_stamped_with_its_ref(serve, room):
    client = serve(room).raw()
    assert client.say([None, "5", "room:1", "phx_join", {}]) == [reply(None, "5", {})]
    assert client.say([None, "6", "room:1", "news", {}]) == [["5", None, "room:1", "news", {}]]
    assert client.say([None, "7", "room:1", "phx_leave", {}]) == [
        reply("5", "7", {}),
        [None, None, "room:1", "phx_close", {}],
    ]


def test_an_end_in_the_first_version_has_the_join_ref_for_its_ref_and_null_without_one(serve, room):
    for join_ref in (None, "9"):
        client = serve(room).raw("vsn=1.0.0")
        more = {} if join_ref is None else {"join_ref": join_ref}
        for event in ("phx_join", "boom"):
            told = client.say(
                {"topic": "room:1", "event": event, "payload": {}, "ref": "1", **more}
            )
        assert [(one["event"], one["ref"]) for one in told] == [("phx_error", join_ref)]


def test_leave_is_answered_then_closed_then_terminated(serve):
    class Own(Room):
        async def terminate(self, reason):
            self.push("late", {})
            await asyncio.sleep(1)
            self.ended.append(reason)

    client = serve(Own).raw()
    client.say(JOIN)
    assert client.say(["1", "2", "room:1", "phx_leave", {}]) == [
        reply("1", "2", {}),
        ["1", "1", "room:1", "phx_close", {}],
    ]
    client.session.advance(1)
    assert Own.ended == [Left()]
    assert client.heard() == []


def test_after_a_leave_nothing_that_is_broadcast_comes(serve, room):
    served = serve(room)
    client = served.raw()
    client.say(JOIN, ["1", "2", "room:1", "phx_leave", {}])
    client.session.run(served.endpoint.broadcast("room:1", "news", {}))
    assert client.heard() == []


def test_a_second_join_is_answered_before_the_first_channel_is_closed(serve, room):
    client = serve(room).raw()
    client.say(JOIN)
    assert client.say(["2", "2", "room:1", "phx_join", {}]) == [
        reply("2", "2", {}),
        ["1", "1", "room:1", "phx_close", {}],
    ]
    assert room.ended == [Duplicate()]
    assert client.say(["1", "3", "room:1", "echo", {}]) == []
    assert client.say(["2", "4", "room:1", "echo", {}]) == [reply("2", "4", {})]


def test_a_second_join_that_is_refused_leaves_no_channel(serve, room):
    client = serve(room).raw()
    client.say(JOIN)
    assert client.say(["2", "2", "room:1", "phx_join", {"refuse": "no"}]) == [
        refusal("2", "2", "no"),
        ["1", "1", "room:1", "phx_close", {}],
    ]
    assert client.say([None, "3", "room:1", "echo", {}]) == [refusal(None, "3", "unmatched topic")]


@pytest.mark.parametrize("raised", [True, False])
def test_stop_closes_the_channel_and_no_other(serve, raised):
    class Own(Room):
        @on("end")
        def end(self, payload: dict[str, Any]):
            if raised:
                raise Stop
            return Stop()

    client = serve(Own).raw()
    client.say(JOIN, ["2", "2", "room:2", "phx_join", {}])
    assert client.say(["1", "3", "room:1", "end", {}]) == [["1", "1", "room:1", "phx_close", {}]]
    assert Own.ended == [Stopped()]
    assert client.say(["2", "4", "room:2", "echo", {}]) == [reply("2", "4", {}, topic="room:2")]


def test_stop_may_be_called_by_the_channel(serve):
    class Own(Room):
        @on("end")
        def end(self, payload: dict[str, Any]):
            self.stop()
            return {"last": 1}

    client = serve(Own).raw()
    client.say(JOIN)
    assert client.say(["1", "3", "room:1", "end", {}]) == [
        reply("1", "3", {"last": 1}),
        ["1", "1", "room:1", "phx_close", {}],
    ]
    assert Own.ended == [Stopped()]


def test_an_exception_ends_the_channel_and_no_other(serve, room, events):
    client = serve(room).raw()
    client.say(JOIN, ["2", "2", "room:2", "phx_join", {}])
    assert client.say(["1", "3", "room:1", "boom", {}]) == [
        ["1", "1", "room:1", "phx_error", {"reason": "channel_crash"}]
    ]
    (ended,) = room.ended
    assert isinstance(ended, Crashed)
    assert str(ended.error) == "boom"
    assert [event for event, _ in events] == [
        "channel.joined",
        "channel.joined",
        "channel.crashed",
        "channel.ended",
    ]
    assert client.say(["2", "4", "room:2", "echo", {}]) == [reply("2", "4", {}, topic="room:2")]
    assert client.say(JOIN) == [reply("1", "1", {})]


def test_a_stop_with_an_error_is_a_crash(serve):
    class Own(Room):
        def after_join(self):
            return Stop(error=KeyError("x"))

    assert serve(Own).raw().say(JOIN) == [
        reply("1", "1", {}),
        ["1", "1", "room:1", "phx_error", {"reason": "channel_crash"}],
    ]
    assert [type(one) for one in Own.ended] == [Crashed]


@pytest.mark.parametrize("how", ["reply", "error", "push", "broadcast"])
def test_what_cannot_be_sent_ends_the_channel_that_says_it_and_no_other(serve, how):
    class Own(Room):
        @on("odd")
        async def odd(self, payload: dict[str, Any]):
            match how:
                case "reply":
                    return {"x": object()}
                case "error":
                    raise ReplyError(x=object())
                case "push":
                    self.push("odd", [1])
                case "broadcast":
                    await self.broadcast("odd", "text")
            return None

    served = serve(Own)
    client, other = served.raw(), served.raw()
    client.say(JOIN)
    other.say(JOIN)
    assert client.say(["1", "3", "room:1", "odd", {}]) == [
        ["1", "1", "room:1", "phx_error", {"reason": "channel_crash"}]
    ]
    assert other.say(["1", "3", "room:1", "echo", {}]) == [reply("1", "3", {})]


def test_terminate_that_raises_or_hangs_is_told_and_the_topic_can_be_joined_again(serve, events):
    class Own(Room):
        async def terminate(self, reason):
            if self.assigns.hangs:
                await asyncio.sleep(1000)
            raise ValueError("end")

        def join(self, topic: str, params: dict[str, Any]):
            self.assigns.hangs = params.get("hangs", False)

    client = serve(Own).raw(pongs=True)
    client.say(JOIN, ["1", "2", "room:1", "phx_leave", {}])
    client.say(["3", "3", "room:1", "phx_join", {"hangs": True}])
    client.say(["3", "4", "room:1", "phx_leave", {}])
    client.session.advance(SHUTDOWN_TIMEOUT + 1)
    client.heard()
    assert client.say(["5", "5", "room:1", "phx_join", {}]) == [reply("5", "5", {})]
    told = [str(fields["error"]) for event, fields in events if event == "channel.crashed"]
    assert told == ["end", "it took more than 5 s"]


# Infos, and events that are intercepted.


def test_info_reaches_handle_info_in_its_turn(serve):
    class Own(Room):
        def join(self, topic: str, params: dict[str, Any]):
            self.ref.send("from join")

        def handle_info(self, info):
            self.push("info", {"info": info})

    client = serve(Own).raw()
    assert client.say(JOIN) == [
        reply("1", "1", {}),
        ["1", None, "room:1", "info", {"info": "from join"}],
    ]


def test_an_info_for_a_channel_that_has_ended_is_dropped(serve):
    refs = []

    class Own(Room):
        def join(self, topic: str, params: dict[str, Any]):
            refs.append(self.ref)

        def handle_info(self, info):
            self.push("info", {"info": info})

    client = serve(Own).raw()
    client.say(JOIN, ["2", "2", "room:1", "phx_join", {}])
    refs[0].send("old")
    refs[1].send("new")
    assert client.heard() == [["2", None, "room:1", "info", {"info": "new"}]]
    assert [one.closed for one in refs] == [True, False]


def test_intercepted_event_goes_to_the_channel_and_every_other_one_past_it(serve):
    class Own(Room):
        @intercept("user_joined")
        async def user_joined(self, payload: dict[str, int]):
            if payload["id"] != 3:
                self.push("user_joined", payload)

    served = serve({"room:*": Own, "plain": Room})
    client = served.raw()
    client.say(JOIN)
    for event, payload in (("user_joined", {"id": 3}), ("user_joined", {"id": 4}), ("x", {})):
        client.session.run(served.endpoint.broadcast("room:1", event, payload))
    assert client.heard() == [
        ["1", None, "room:1", "user_joined", {"id": 4}],
        [None, None, "room:1", "x", {}],
    ]


def test_an_intercepted_payload_of_another_type_ends_the_channel(serve, events):
    class Own(Room):
        @intercept("n")
        def n(self, payload: dict[str, int]): ...

    served = serve(Own)
    client = served.raw()
    client.say(JOIN)
    client.session.run(served.endpoint.broadcast("room:1", "n", {"a": "b"}))
    assert client.heard() == [["1", "1", "room:1", "phx_error", {"reason": "channel_crash"}]]


# The end of the connection.


@pytest.mark.parametrize("asynchronous", [True, False])
def test_the_end_of_the_connection_ends_every_channel_once(serve, asynchronous):
    class Plain(Room): ...

    class Waiting(Room):
        async def terminate(self, reason):
            await asyncio.sleep(0.1)
            self.ended.append(reason)

    kind = Waiting if asynchronous else Plain
    client = serve(kind).raw()
    client.say(JOIN, ["2", "2", "room:2", "phx_join", {}], ["2", "3", "room:2", "phx_leave", {}])
    client.session.advance(1)
    client.session.lose()
    client.session.advance(1)
    assert kind.ended == [Left(), Closed(client.session.reason)]
