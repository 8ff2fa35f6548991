"""`publish` without an event loop, over each backend that reaches another process."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import multiprocessing
import shutil
import tempfile
import threading

import pytest

from sock.pubsub import BackendDown, Gap, PubSub, publish
from sock.pubsub.publish import check_backend
from tests.broker import free_port, nats_server, redis_server

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


@dataclasses.dataclass
class Line:
    author: str
    text: str


class Ref:
    """The address of a connection of a test."""

    def __init__(self):
        self.heard = []

    def send(self, info):
        self.heard.append(info)

    def add_done_callback(self, callback):
        self.end = callback


@pytest.fixture(params=["redis", "nats", "host"])
def url(request):
    if request.param == "host":
        folder = tempfile.mkdtemp()
        yield f"host:{folder}"
        shutil.rmtree(folder)
        return
    with {"redis": redis_server, "nats": nats_server}[request.param]() as server:
        server.start()
        yield server.url


@contextlib.contextmanager
def listening(url, kind=None):
    """Have a connection listen to a topic, in an event loop of another thread."""
    ref, ready, end = Ref(), threading.Event(), asyncio.Event()

    async def body():
        async with PubSub(url, kind) if kind else PubSub(url) as one:
            await one.subscribe("room", ref, gaps=True)
            ref.loop = asyncio.get_running_loop()
            ready.set()
            await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(body(),))
    thread.start()
    assert ready.wait(30)
    yield ref
    ref.loop.call_soon_threadsafe(end.set)
    thread.join(30)


def until(true):
    turn = threading.Event()
    for _ in range(3000):
        if true():
            return
        turn.wait(0.01)
    raise AssertionError("it has not come")


def test_messages_arrive_in_order_and_none_is_missed_or_twice(url):
    with listening(url) as ref:
        for number in range(20):
            publish(url, "room", str(number))
        publish(url, "elsewhere", "x")
        publish(url, "room", b"last")
        until(lambda: len(ref.heard) >= 21)
        assert ref.heard == [*map(str, range(20)), b"last"]


def test_a_value_is_of_its_own_type_or_of_the_declared_one(url):
    with listening(url, Line) as ref:
        publish(url, "room", Line("ada", "hello"))
        publish(url, "room", Line("bob", "hello"), kind=Line)
        until(lambda: len(ref.heard) == 2)
        assert [line.author for line in ref.heard] == ["ada", "bob"]
        assert Gap("room") not in ref.heard
    with pytest.raises(TypeError):
        publish(url, "room", Line("ada", 7), kind=int)


def test_a_process_that_was_forked_publishes_over_connections_of_its_own():
    with redis_server() as server:
        server.start()
        with listening(server.url) as ref:
            publish(server.url, "room", "parent")
            fork = multiprocessing.get_context("fork")
            children = [
                fork.Process(target=publish, args=(server.url, "room", f"child {number}"))
                for number in range(3)
            ]
            for child in children:
                child.start()
            for child in children:
                child.join(30)
            publish(server.url, "room", "parent again")
            until(lambda: len(ref.heard) == 5)
            assert ref.heard[0] == "parent"
            assert ref.heard[-1] == "parent again"


@pytest.mark.parametrize("scheme", ["redis", "nats"])
def test_a_broker_that_is_not_there_is_one_line_without_its_password(scheme):
    url = f"{scheme}://me:secret@127.0.0.1:{free_port()}"
    for attempt in (lambda: publish(url, "room", "x"), lambda: check_backend(url)):
        with pytest.raises(BackendDown, match=r"refused|failed") as raised:
            attempt()
        assert "secret" not in str(raised.value)


def test_where_nobody_else_is_reached_and_in_an_event_loop_it_is_refused():
    with pytest.raises(ValueError, match="no other process"):
        publish("memory:", "room", "x")

    async def body():
        publish("redis://localhost", "room", "x")

    with pytest.raises(RuntimeError, match="broadcast"):
        asyncio.run(body())


def test_without_an_address_the_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("SOCK_PUBSUB", raising=False)
    with pytest.raises(ValueError, match="no address is given, and SOCK_PUBSUB is not set: name a"):
        publish(None, "room", "x")
