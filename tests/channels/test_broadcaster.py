"""Topics, and what becomes of a broadcast."""

import asyncio

import pytest

from sock import Prepared
from sock.channels import V1, V2
from sock.channels.broadcaster import DISCONNECT, Broadcaster, Intercepted
from sock.pubsub import PubSub

pytestmark = pytest.mark.one_form

NONE = frozenset()


class Ref:
    def __init__(self):
        self.heard = []

    def send(self, info):
        self.heard.append(info)

    def add_done_callback(self, callback): ...


def run(scenario):
    async def whole():
        await scenario(Broadcaster(PubSub("memory:")))

    asyncio.run(asyncio.wait_for(whole(), 30))


def test_a_broadcast_is_encoded_once_for_each_serializer():
    written = []

    class Counting(V1):
        def broadcast(self, frame, /):
            written.append(frame)
            return super().broadcast(frame)

    async def scenario(broadcaster):
        one, two = Counting(), V2()
        old, new = [Ref(), Ref(), Ref()], [Ref(), Ref()]
        for ref in old:
            await broadcaster.attach("t", ref, one, NONE)
        for ref in new:
            await broadcaster.attach("t", ref, two, NONE)
        await broadcaster.broadcast("t", "e", {"a": 1})
        assert len(written) == 1
        # The same object for all: whole frames are kept in it.
        assert len({id(ref.heard[0]) for ref in old}) == 1
        assert len({id(ref.heard[0]) for ref in new}) == 1
        assert new[0].heard == [Prepared('[null,null,"t","e",{"a":1}]')]

    run(scenario)


def test_until_a_connection_is_attached_it_gets_nothing():
    async def scenario(broadcaster):
        ref = Ref()
        await broadcaster.prepare("t", ref)
        await broadcaster.broadcast("t", "early", None)
        await broadcaster.attach("t", ref, V2(), NONE)
        await broadcaster.broadcast("t", "e", None)
        await broadcaster.detach("t", ref)
        await broadcaster.broadcast("t", "late", None)
        assert ref.heard == [Prepared('[null,null,"t","e",{}]')]

    run(scenario)


def test_attaching_behind_preparing_does_not_suspend():
    async def scenario(broadcaster):
        ref = Ref()
        await broadcaster.prepare("t", ref)
        with pytest.raises(StopIteration):
            broadcaster.attach("t", ref, V2(), frozenset(["x"])).send(None)

    run(scenario)


def test_an_intercepted_event_is_decoded_once_for_all_channels():
    async def scenario(broadcaster):
        two, refs = V2(), [Ref(), Ref()]
        for ref in refs:
            await broadcaster.attach("t", ref, two, frozenset(["secret"]))
        await broadcaster.broadcast("t", "secret", {"a": 1})
        await broadcaster.broadcast("t", "open", {})
        secret, opened = refs[0].heard
        assert isinstance(secret, Intercepted)
        assert secret.broadcast.payload == b'{"a":1}'
        assert opened == Prepared('[null,null,"t","open",{}]')
        assert refs[1].heard[0] is secret

    run(scenario)


def test_those_who_are_excluded_get_nothing():
    async def scenario(broadcaster):
        refs = [Ref(), Ref()]
        for ref in refs:
            await broadcaster.attach("t", ref, V2(), NONE)
        await broadcaster.broadcast("t", "e", {}, exclude=refs[0])
        broadcaster.broadcast_soon("t", "f", {}, exclude=refs[1])
        assert [[one.message for one in ref.heard] for ref in refs] == [
            ['[null,null,"t","f",{}]'],
            ['[null,null,"t","e",{}]'],
        ]

    run(scenario)


def test_an_id_hears_of_disconnect_only_also_beside_a_topic_of_the_same_name():
    async def scenario(broadcaster):
        ref = Ref()
        await broadcaster.listen_for_disconnect("u:1", ref)
        await broadcaster.attach("u:1", ref, V2(), NONE)
        await broadcaster.broadcast("u:1", "e", {})
        await broadcaster.broadcast("u:1", DISCONNECT, {})
        broadcaster.broadcast_soon("u:1", DISCONNECT, {})
        assert [one for one in ref.heard if one == DISCONNECT] == [DISCONNECT, DISCONNECT]

    run(scenario)


@pytest.mark.parametrize("payload", [[1], {"a": object()}])
def test_a_payload_that_cannot_be_sent_is_refused_where_it_is_broadcast(payload):
    async def scenario(broadcaster):
        with pytest.raises(TypeError):
            await broadcaster.broadcast("t", "e", payload)
        with pytest.raises(TypeError):
            broadcaster.broadcast_soon("t", "e", payload)

    run(scenario)
