"""A cluster of three real Redis servers: sharded topics, a slot that moves, a master that goes."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
import redis

from sock.pubsub import BackendDown, Gap, PubSub, publish
from sock.pubsub.backends.choice import backend_of
from sock.pubsub.backends.redis_cluster import _slot_of
from tests.broker import free_port, redis_server

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]

TOPICS = [f"room {number}" for number in range(12)]
THIRDS = [(0, 5460), (5461, 10922), (10923, 16383)]


class Ref:
    """The address of a connection of a test."""

    def __init__(self):
        self.heard = []

    def send(self, info):
        self.heard.append(info)

    def add_done_callback(self, callback):
        self.end = callback


class Cluster:
    """Three masters, each with a third of the slots."""

    def __init__(self, folder):
        self.stack = contextlib.ExitStack()
        self.servers = []
        for number in range(3):
            home = folder / str(number)
            home.mkdir()
            options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            options += ["--dir", str(home), "--cluster-require-full-coverage", "no"]
            server = self.stack.enter_context(redis_server(*options))
            server.bus = options[3]
            self.servers.append(server.start())
        self.clients = [redis.Redis(port=one.port) for one in self.servers]
        for client, third in zip(self.clients, THIRDS, strict=True):
            client.execute_command("CLUSTER ADDSLOTSRANGE", *third)
        for one in self.servers[1:]:
            meet = ("CLUSTER MEET", "127.0.0.1", one.port, one.bus)
            self.clients[0].execute_command(*meet)
        for client in self.clients:
            while len(client.execute_command("CLUSTER SLOTS")) < 3:
                time.sleep(0.02)
        self.ids = [client.execute_command("CLUSTER MYID") for client in self.clients]
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.servers)
        self.url = f"redis+cluster://{hosts}"

    def move(self, topic):
        """Give the slot of a topic to the next master; return its number."""
        slot = _slot_of(f"sock:0:{topic}")
        owner = next(at for at, (first, last) in enumerate(THIRDS) if first <= slot <= last)
        for client in self.clients:
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", self.ids[(owner + 1) % 3])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    for client in made.clients:
        client.close()
    made.stack.close()


async def until(true):
    while not true():
        await asyncio.sleep(0.005)


def run(body):
    asyncio.run(asyncio.wait_for(body, 60))


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

    run(body())


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

    run(body())


def test_a_database_of_a_cluster_is_refused():
    with pytest.raises(ValueError, match="one database"):
        backend_of("redis+cluster://there:1/3")
