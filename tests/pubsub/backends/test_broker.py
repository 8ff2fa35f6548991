"""Redis and NATS: real servers that are killed, restarted and paused."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sock.pubsub import BackendDown, Gap, PubSub
from sock.pubsub.backends import outbox
from sock.pubsub.backends.choice import backend_of
from tests.broker import nats_server, redis_server
from tests.pubsub.listening import Ref, files, in_loop, until

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]

SERVERS = {"redis": redis_server, "nats": nats_server}


@pytest.fixture(params=SERVERS)
def server(request):
    with SERVERS[request.param]() as broker:
        yield broker


def test_each_gets_all_of_four_publishers_in_order_and_none_twice(server):
    server.start()

    async def body():
        async with contextlib.AsyncExitStack() as stack:
            four = [await stack.enter_async_context(PubSub(server.url)) for _ in range(4)]
            refs = []
            for at, one in enumerate(four * 5):
                refs.append(Ref())
                await (one.attach if at % 2 else one.subscribe)("a room", refs[-1])

            async def publish(which, one):
                for number in range(100):
                    one.broadcast_soon("a room", f"{which} {number}")
                    if number % 20 == 0:
                        await one.broadcast("elsewhere", "not for them")

            await asyncio.gather(*(publish(at, one) for at, one in enumerate(four)))
            await until(lambda: all(len(ref.heard) >= 400 for ref in refs))
            for ref in refs:
                for which in range(4):
                    own = [text for text in ref.heard if text.startswith(f"{which} ")]
                    assert own == [f"{which} {number}" for number in range(100)]

    in_loop(body())


def test_a_subscription_is_live_when_it_returns_and_ends_after_a_while(server, monkeypatch):
    server.start()
    monkeypatch.setattr("sock.pubsub.running._LINGER", 0.01)

    async def body():
        async with PubSub(server.url) as one, PubSub(server.url) as two:
            ref = Ref()
            for topic in ("room", "a.*.> %41 é {x}", "\r\n", "a" * 1024):
                await one.subscribe(topic, ref)
                await two.broadcast(topic, topic)
                await until(lambda: ref.heard)
                assert ref.heard.pop() == topic
                await one.unsubscribe(topic, ref)
            await asyncio.sleep(0.1)
            again = Ref()
            await one.subscribe("room", again)
            await two.broadcast("room", "again")
            await until(lambda: again.heard)

    in_loop(body())


def test_a_server_that_is_killed_and_comes_back_is_a_gap_and_order_stays(server, events):
    server.start()

    async def body():
        async with PubSub(server.url) as one, PubSub(server.url) as two:
            asked, silent = Ref(), Ref()
            await one.subscribe("room", asked, gaps=True)
            await one.attach("room", silent)
            published = asyncio.create_task(publish(two))
            await until(lambda: len(asked.heard) > 20)
            server.kill()
            await until(lambda: [event for event, _ in events].count("pubsub.down") == 2)
            one.broadcast_soon("room", "local")  # goes on
            assert asked.heard[-1] == "local"
            server.start()
            await until(lambda: Gap("room") in asked.heard)
            count = len(asked.heard)
            await until(lambda: len(asked.heard) > count + 20)
            published.cancel()
            assert asked.texts == silent.texts
            numbers = [int(text) for text in asked.texts if text.isdigit()]
            assert numbers == sorted(set(numbers))
            assert not [event for event, _ in events if event == "pubsub.rejected"]

    async def publish(one):
        for number in range(1_000_000):
            with contextlib.suppress(BackendDown):
                await one.broadcast("room", str(number))
            await asyncio.sleep(0.001)

    in_loop(body())


def test_a_server_that_answers_no_more_is_noticed_and_what_waits_is_bounded(
    server, monkeypatch, events
):
    server.start()
    for module in ("redis_line", "nats"):
        monkeypatch.setattr(f"sock.pubsub.backends.{module}.PING_INTERVAL", 0.1)
    monkeypatch.setattr(outbox, "MAX_WAITING", 10)
    monkeypatch.setattr(outbox, "MAX_BYTES", 100_000)

    async def body():
        async with PubSub(server.url) as one, PubSub(server.url) as two:
            ref = Ref()
            await one.subscribe("room", ref, gaps=True)
            server.pause()
            told = [two.broadcast_soon("room", "x" * 1000) for _ in range(1000)]
            failed = [one for one in told if one.done()]
            assert 800 < len(failed) < 1000
            assert isinstance(failed[0].exception(), BackendDown)
            await until(lambda: [event for event, _ in events].count("pubsub.down") == 2)
            server.resume()
            await until(lambda: Gap("room") in ref.heard)
            await two.broadcast("room", "goes on")
            await until(lambda: "goes on" in ref.heard)

    in_loop(body())


def test_a_topic_that_is_subscribed_while_the_server_comes_back_is_carried(server, events):
    server.start()

    async def body():
        async with PubSub(server.url) as one, PubSub(server.url) as two:
            refs = [Ref(), Ref()]
            await one.subscribe("early", refs[0], gaps=True)
            server.kill()
            await until(lambda: [event for event, _ in events].count("pubsub.down") == 2)
            server.start()
            server.pause()
            await asyncio.sleep(0.3)  # the connections are made, and nothing is answered
            await one.unsubscribe("early", refs[0])
            await one.subscribe("late", refs[1], gaps=True)
            server.resume()
            await until(lambda: Gap("late") in refs[1].heard)
            await two.broadcast("late", "hello")
            await until(lambda: "hello" in refs[1].heard)

    in_loop(body())


def test_a_server_that_is_not_there_is_told_once_and_connected_when_it_comes(server, events):
    async def body():
        async with PubSub(server.url) as one, PubSub(server.url) as two:
            ref = Ref()
            await one.subscribe("room", ref, gaps=True)
            waiting = asyncio.create_task(two.broadcast("room", "waits"))
            await asyncio.sleep(0.5)
            names = [event for event, _ in events if event != "pubsub.began"]
            assert names == ["pubsub.down"] * 2
            server.start()
            await waiting
            await until(lambda: Gap("room") in ref.heard)
            await two.broadcast("room", "now")
            await until(lambda: "now" in ref.heard)

    in_loop(body())


def test_a_lossy_pubsub_drops_and_counts_what_the_server_does_not_take(server, events, monkeypatch):
    monkeypatch.setattr(outbox, "MAX_WAITING", 3)

    async def body():
        async with PubSub(server.url, lossy=True) as one:
            ref = Ref()
            await one.subscribe("room", ref)
            for number in range(10):
                await one.broadcast("room", str(number))
            assert ref.texts == [str(number) for number in range(10)]
            assert [name for name, _ in events].count("pubsub.lost") == 7

    in_loop(body())


class Receiver:
    """Hears that the server is there."""

    behind = False

    def __init__(self):
        self.is_up = asyncio.Event()

    def connected(self):
        self.is_up.set()


def test_a_close_that_is_cut_short_leaves_no_connection_and_no_task(server):
    server.start()

    async def close(turns):
        files_before, tasks_before = files(), asyncio.all_tasks()
        receiver = Receiver()
        task = asyncio.ensure_future(backend_of(server.url)().run(receiver))
        await receiver.is_up.wait()
        task.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: files() == files_before)
        await until(lambda: asyncio.all_tasks() == tasks_before)

    async def body():
        for turns in range(15):  # of the event loop, between two cancellations
            await close(turns)

    in_loop(body(), 30)


def test_a_server_that_is_required_and_not_there_is_an_error_at_once(server):
    async def body():
        with pytest.raises(BackendDown, match=str(server.port)):
            await PubSub(server.url, require=True).__aenter__()

    in_loop(body())


def test_garbage_of_other_programs_is_dropped_and_counted(server, events):
    server.start()

    async def body():
        async with PubSub(server.url, str) as one, PubSub(server.url, bytes) as two:
            ref = Ref()
            await one.subscribe("room", ref)
            await garble(server)
            await two.broadcast("room", b"of no type that is taken")
            await PubSub(server.url).broadcast("room", "good")
            await until(lambda: ref.heard)
            assert ref.texts == ["good"]
            assert [name for name, _ in events].count("pubsub.rejected") >= 2

    async def garble(server):
        if server.url.startswith("redis"):
            from redis.asyncio import Redis

            async with Redis.from_url(server.url) as client:
                await client.publish("sock:0:room", b"\xff garbage")
        else:
            from nats import connect

            client = await connect(server.url)
            await client.publish("sock.room", b"\xff garbage")
            await client.close()

    in_loop(body())
