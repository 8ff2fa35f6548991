"""The address of a channel does what that of a connection does."""

import asyncio
from typing import Any

import pytest

from sock.channels import Channel, Crashed, on
from sock.pubsub import PubSub

pytestmark = pytest.mark.one_form

JOIN = ["1", "1", "room:1", "phx_join", {}]


class Room(Channel):
    """Notes its address, and pushes its infos."""

    def join(self, topic: str, params: dict[str, Any]):
        type(self).kept = self

    def handle_info(self, info):
        self.push("info", {"info": info})

    def terminate(self, reason):
        type(self).reason = reason


@pytest.fixture
def room():
    class Own(Room): ...

    return Own


@pytest.fixture
def client(serve, room):
    client = serve(room).raw(pongs=True)
    client.say(JOIN)
    return client


def infos(client):
    return [one[-1]["info"] for one in client.heard() if one[3] == "info"]


def leave(client):
    client.say(["1", "2", "room:1", "phx_leave", {}])


def call(client, function):
    async def run():
        return function()

    return client.session.run(run())


def test_an_info_may_come_later_or_be_cancelled_and_ends_with_the_channel(client, room):
    ref = room.kept.ref
    call(client, lambda: ref.send_after(1, "kept"))
    call(client, lambda: ref.send_after(1, "cancelled").cancel())
    call(client, lambda: ref.send_after(3, "late"))
    client.session.advance(2)
    assert infos(client) == ["kept"]
    leave(client)
    call(client, lambda: ref.send_after(1, "too late"))
    client.session.advance(5)
    assert infos(client) == []


def test_a_spawned_task_is_cancelled_before_terminate(client, room):
    ended = []

    async def wait():
        try:
            await asyncio.sleep(100)
        finally:
            ended.append("task")

    call(client, lambda: room.kept.ref.spawn(wait()))
    leave(client)
    client.session.advance(0)
    assert ended == ["task"]
    assert call(client, lambda: room.kept.ref.spawn(asyncio.sleep(1))).cancelling()


def test_a_spawned_task_that_raises_ends_the_channel(client, room):
    async def fail():
        raise ValueError("task")

    call(client, lambda: room.kept.ref.spawn(fail()))
    assert [one[3] for one in client.heard()] == ["phx_error"]
    assert isinstance(room.reason, Crashed)


def test_a_spawned_task_that_ends_by_itself_does_no_harm(client, room):
    call(client, lambda: room.kept.ref.spawn(asyncio.sleep(1)))
    client.session.advance(2)
    assert client.heard() == []
    assert not room.kept.ref.closed


def test_those_who_ask_hear_of_the_end_behind_terminate(client, room):
    heard = []
    room.kept.ref.add_done_callback(lambda: heard.append(room.reason))
    leave(client)
    assert heard == [room.reason]
    call(client, lambda: room.kept.ref.add_done_callback(lambda: heard.append("soon")))
    client.session.advance(0)
    assert heard == [room.reason, "soon"]


def test_it_knows_its_connection(client, room):
    ref = room.kept.ref
    assert ref.request is client.session.request
    assert ref.pending == 0
    assert repr(ref) == "<ChannelRef live 'room:1'>"
    client.session.lose()
    assert ref.closed
    assert repr(ref) == "<ChannelRef closed 'room:1'>"


def test_it_listens_to_other_topics_until_the_channel_ends(client, room):
    other = PubSub("memory:")
    client.session.run(other.subscribe("prices", room.kept.ref))
    client.session.run(other.broadcast("prices", "7"))
    assert infos(client) == ["7"]
    leave(client)
    assert other.subscribers("prices") == ()


def test_stop_ends_the_channel_and_not_the_connection(client, room):
    room.kept.ref.stop(1001, "what a connection would say")
    assert [one[3] for one in client.heard()] == ["phx_close"]
    assert client.session.code is None


def test_many_timers_of_channels_that_are_left_leave_nothing_behind(client, room):
    for n in range(3):
        call(client, lambda: room.kept.ref.send_after(1000, "late"))
        client.say(["1", str(n), "room:1", "phx_leave", {}], JOIN)
    assert sum(not handle.cancelled() for handle in call(client, loop_timers)) < 5


def loop_timers():
    return asyncio.get_running_loop()._scheduled


def test_an_event_may_use_it_to_answer_itself(serve):
    class Own(Room):
        @on("later")
        def later(self, payload: dict[str, Any]):
            self.ref.send_after(1, "now")

    client = serve(Own).raw()
    client.say(JOIN, ["1", "2", "room:1", "later", {}])
    client.session.advance(1)
    assert infos(client) == ["now"]
