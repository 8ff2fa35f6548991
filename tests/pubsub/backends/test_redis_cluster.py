"""A cluster of three real Redis servers: sharded topics, a slot that moves, a master that goes."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sock.pubsub import BackendDown, Gap, PubSub, publish
from sock.pubsub.backends.choice import backend_of
from tests.broker import RedisCluster
from tests.pubsub.listening import Ref, in_loop, until

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]

TOPICS = [f"room {number}" for number in range(12)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with RedisCluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def test_topics_of_all_masters_are_carried_and_one_that_moves_is_followed(cluster):
    async def body():
        async with PubSub(cluster.url) as one, PubSub(cluster.url) as two:
            refs = {topic: Ref() for topic in TOPICS}
            for topic, ref in refs.items():
                await one.subscribe(topic, ref, gaps=True)
                for number in range(5):
                    await two.broadcast(topic, f"{topic} {number}")
            await asyncio.to_thread(publish, cluster.url, "room 3", "from outside")
            await until(lambda: sum(len(ref.heard) for ref in refs.values()) == 61)
            for topic, ref in refs.items():
                assert ref.heard[:5] == [f"{topic} {number}" for number in range(5)]
            assert refs["room 3"].heard[5:] == ["from outside"]

            cluster.move("room 0")
            moved = refs["room 0"]
            while "moved" not in moved.heard:
                with contextlib.suppress(BackendDown):
                    await two.broadcast("room 0", "moved")
                await asyncio.sleep(0.02)
            assert Gap("room 0") in moved.heard

    in_loop(body())


def test_a_master_that_goes_and_comes_back_is_a_gap(cluster, events):
    async def body():
        async with PubSub(cluster.url) as one, PubSub(cluster.url) as two:
            refs = {topic: Ref() for topic in TOPICS}
            for topic, ref in refs.items():
                await one.subscribe(topic, ref, gaps=True)
            cluster.servers[2].kill()
            await until(lambda: [name for name, _ in events].count("pubsub.down") == 2)
            late = Ref()
            await one.subscribe("late", late, gaps=True)
            waiting = asyncio.ensure_future(two.broadcast("room 1", "waits"))
            cluster.servers[2].start()
            await waiting
            await until(lambda: all(Gap(topic) in ref.heard for topic, ref in refs.items()))
            await until(lambda: Gap("late") in late.heard)
            for topic in (*TOPICS, "late"):
                await two.broadcast(topic, "again")
            await until(lambda: all("again" in ref.heard for ref in (*refs.values(), late)))

    in_loop(body())


def test_when_a_master_dies_its_replica_takes_over_and_no_topic_is_left_out(tmp_path, events):
    with RedisCluster(tmp_path, replica=True) as cluster:

        async def body():
            async with PubSub(cluster.url) as one, PubSub(cluster.url) as two:
                refs = {topic: Ref() for topic in TOPICS}
                for topic, ref in refs.items():
                    await one.subscribe(topic, ref, gaps=True)
                cluster.servers[0].kill()
                await until(lambda: all(Gap(topic) in ref.heard for topic, ref in refs.items()))
                for topic in TOPICS:
                    await two.broadcast(topic, "over the others")
                await until(lambda: all(ref.texts == ["over the others"] for ref in refs.values()))
                assert cluster.clients[3].role()[0] == b"master"

        in_loop(body())


def test_a_database_of_a_cluster_is_refused():
    with pytest.raises(ValueError, match="one database"):
        backend_of("redis+cluster://there:1/3")
