"""The two connections with one Redis server."""

import asyncio

import pytest

from sock.pubsub.backends.outbox import Outbox
from sock.pubsub.backends.redis import place_of
from sock.pubsub.backends.redis_line import PLAIN, Line
from tests.broker import redis_server
from tests.pubsub.listening import until

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


class Receiver:
    """Notes what comes."""

    behind = False

    def __init__(self):
        self.log = []

    def received(self, topic, data):
        self.log.append((topic, data))

    def gap(self, topic):
        self.log.append(("gap", topic))

    def refused(self, topic, error):
        self.log.append(("refused", topic))


@pytest.fixture
def run():
    def run(body, topics=()):
        async def scenario(server):
            outbox, receiver, connected = Outbox(), Receiver(), asyncio.Event()
            line = Line(place_of(server.url).open, "p:", PLAIN, outbox, receiver)
            task = asyncio.ensure_future(line.run(topics, connected.set))
            await connected.wait()
            await body(line, outbox, receiver, server, task)
            task.cancel()

        with redis_server() as server:
            server.start()
            asyncio.run(asyncio.wait_for(scenario(server), 60))

    return run


def test_answers_belong_to_the_oldest_command_also_when_a_topic_goes_and_comes(run):
    async def body(line, outbox, receiver, server, task):
        first = line.subscribe("room")
        line.unsubscribe("room")
        line.unsubscribe("never subscribed")
        last = line.subscribe("room")
        await asyncio.gather(first, last)
        await outbox.put("room", b"x")
        await until(lambda: receiver.log)
        assert receiver.log == [("room", b"x")]

    run(body)


def test_the_gap_of_a_topic_comes_when_it_is_subscribed_again_and_before_its_messages(run):
    async def body(line, outbox, receiver, server, task):
        await until(lambda: len(receiver.log) == 2)
        await outbox.put("b", b"x")
        await until(lambda: len(receiver.log) == 3)
        assert receiver.log == [("gap", "a"), ("gap", "b"), ("b", b"x")]

    run(body, topics=("a", "b"))


def test_when_the_server_has_gone_both_connections_end_and_nobody_waits_for_answers(run):
    async def body(line, outbox, receiver, server, task):
        server.pause()
        asked = line.subscribe("room")
        server.kill()
        await asked
        with pytest.raises(Exception, match=r"(?i)connection"):
            await task

    run(body)
