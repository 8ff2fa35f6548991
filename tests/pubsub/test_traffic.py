"""What the metrics read of topics."""

import asyncio
import shutil
import tempfile

import pytest

from sock.observe.metrics import Figures
from sock.pubsub import PubSub
from tests.pubsub.listening import Ref

pytestmark = pytest.mark.one_form


def test_messages_topics_and_listeners_are_counted():
    folder = tempfile.mkdtemp()

    async def body():
        with Figures() as figures:
            async with PubSub(f"host:{folder}") as one, PubSub(f"host:{folder}") as two:
                refs = Ref(), Ref()
                for ref in refs:
                    await one.subscribe("room", ref)
                await one.subscribe("other", refs[0])
                await two.broadcast("room", "hello")
                await one.broadcast("room", "hello")
                while len(refs[0].heard) < 2:
                    await asyncio.sleep(0.005)
                shown = figures.snapshot()
                counters = {name: rows[0][1] for name, rows in shown["counters"].items() if rows}
                assert counters["sock_published_topic_messages"] == 2
                assert counters["sock_received_topic_messages"] == 1
                assert shown["gauges"]["sock_topics"] == 2
                assert shown["gauges"]["sock_topic_listeners"] == 2
                assert shown["gauges"]["sock_backends_away"] == 0
            assert figures.snapshot()["gauges"]["sock_topics"] == 0

    asyncio.run(asyncio.wait_for(body(), 30))
    shutil.rmtree(folder)
