"""Topics within one process."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sock import Sock, TextSock, testing
from sock.pubsub import Gap, PubSub

rooms: PubSub[str | bytes] = PubSub("memory:")


class Chat(TextSock[str]):
    """Says to the room what its peer says."""

    def __init__(self, request):
        self.room = request.path

    async def init(self, ref):
        self.ref = ref
        await rooms.subscribe(self.room, ref)

    async def handle_in(self, text):
        match text.split():
            case ["leave"]:
                await rooms.unsubscribe(self.room, self.ref)
            case ["others", word]:
                await rooms.broadcast(self.room, word, exclude=self.ref)
            case ["soon", word]:
                rooms.broadcast_soon(self.room, word)
                await rooms.broadcast(self.room, "behind it")
            case [word]:
                await rooms.broadcast(self.room, word)


class Screen(Sock[str]):
    """Notes infos; its peer gets the messages of the room as they are."""

    infos: list[object] = []

    async def init(self, ref):
        await rooms.attach("/7", ref)

    def handle_info(self, info):
        self.infos.append(info)


def test_a_message_reaches_the_room_and_no_other():
    with testing.open(Chat, "/7") as ada, testing.open(Chat, "/7") as bob:
        with testing.open(Chat, "/8") as eve:
            ada.receive("hello")
            ada.receive("others psst")
            bob.receive("soon first")
            assert ada.pushed() == ["hello", "first", "behind it"]
            assert bob.pushed() == ["hello", "psst", "first", "behind it"]
            bob.receive("leave")
            ada.receive("gone?")
            assert (bob.pushed(), eve.pushed()) == ([], [])
            assert len(rooms.subscribers("/7")) == 1
    assert rooms.subscribers("/7") == rooms.subscribers("/8") == ()


def test_an_attached_peer_gets_whole_messages_that_no_callback_sees():
    Screen.infos.clear()
    with testing.open(Screen) as screen, testing.open(Chat, "/7") as ada:
        ada.receive("hello")
        assert screen.pushed() == ["hello"]
    assert Screen.infos == []


def test_another_thread_and_an_http_route_reach_the_room_too():
    with testing.open(Chat, "/7") as ada:
        futures = []

        def publish():
            futures.extend(rooms.broadcast_soon("/7", str(number)) for number in range(3))

        thread = threading.Thread(target=publish)
        thread.start()
        thread.join()
        ada.advance(0)
        assert [future.result(10) for future in futures] == [None] * 3
        assert ada.pushed() == ["0", "1", "2"]


def test_where_nobody_can_listen_nothing_happens():
    alone: PubSub[str | bytes] = PubSub("memory:")
    assert alone.broadcast_soon("room", "hello").result(10) is None
    assert alone.subscribers("room") == ()


def test_the_connections_of_every_event_loop_of_the_process_are_reached():
    heard: list[object] = []
    both: PubSub[str | bytes] = PubSub("memory:")
    there = threading.Event()

    class Ref:
        def send(self, info):
            heard.append(info)

        def add_done_callback(self, callback):
            self.done = callback

    async def listen():
        await both.subscribe("room", Ref())
        there.set()
        while not heard:
            await asyncio.sleep(0.01)

    async def speak():
        await both.broadcast("room", "hello")

    thread = threading.Thread(target=asyncio.run, args=(listen(),))
    thread.start()
    assert there.wait(30)
    asyncio.run(speak())
    thread.join(30)
    assert heard == ["hello"]


def test_a_lifespan_begins_it_and_ends_it():
    async def scenario():
        async with PubSub("memory:") as here:
            await here.broadcast("room", "nobody")
            assert here.subscribers("room") == ()

    asyncio.run(scenario())


@pytest.mark.parametrize("topic", ["", "a" * 1025, 7])
def test_a_topic_that_is_none_is_refused_by_every_method(topic):
    async def scenario():
        for method in (rooms.subscribe, rooms.attach, rooms.unsubscribe, rooms.broadcast):
            with pytest.raises((TypeError, ValueError), match="a topic"):
                await method(topic, "x")
        for method in (rooms.broadcast_soon, lambda one, _: rooms.subscribers(one)):
            with pytest.raises((TypeError, ValueError), match="a topic"):
                method(topic, "x")

    asyncio.run(scenario())


def test_a_message_of_another_type_is_refused_where_it_is_published():
    texts = PubSub("memory:", str)
    with pytest.raises(TypeError, match="carries str, not 'bytes'"):
        texts.broadcast_soon("room", b"x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="carries str, not 'bytes'"):
        asyncio.run(texts.broadcast("room", b"x"))  # type: ignore[arg-type]


def test_a_gap_is_a_value():
    match Gap("room"):
        case Gap(topic):
            assert topic == "room"
