"""Presence within one process, as the handlers of its connections see it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading

import pytest
from websockets import ConnectionClosed
from websockets.sync.client import connect

from sock import TextSock, testing
from sock.pubsub import Diff, Presence, PubSub, State
from tests.server.supervisor.conftest import Served

BOUND = 30

rooms: PubSub[str | bytes] = PubSub("memory:")
presence: Presence[object] = Presence(rooms)


class Guest(TextSock[State[object] | Diff[object]]):
    """Is in a room under the name in its query, watches it, and notes what it is told."""

    def __init__(self, request):
        self.room = request.path
        self.name = request.query["name"]
        self.told = []

    async def init(self, ref):
        self.ref = ref
        await presence.track(self.room, ref, key=self.name, meta={"tab": 1})
        await presence.watch(self.room, ref)

    def handle_info(self, info):
        self.told.append(info)

    async def handle_in(self, text):
        match text.split():
            case ["update", number]:
                await presence.update(self.room, self.ref, key=self.name, meta={"tab": int(number)})
            case ["track", key]:
                await presence.track(self.room, self.ref, key=key)
            case ["untrack"]:
                await presence.untrack(self.room, self.ref)
            case ["untrack", key]:
                await presence.untrack(self.room, self.ref, key=key)
            case ["unwatch"]:
                await presence.unwatch(self.room, self.ref)


def enter(name, room="/7"):
    return testing.open(Guest, f"{room}?name={name}")


def plain(present):
    """Return what is known under each key, without the names of the entries."""
    return {key: [meta.data for meta in metas] for key, metas in present.items()}


def here(room="/7"):
    return plain(presence.list(room))


def told(session):
    """Return what a handler was told since the last look, as plain values."""
    infos = [
        plain(info.present) if isinstance(info, State) else (plain(info.joins), plain(info.leaves))
        for info in session.handler.told
    ]
    session.handler.told.clear()
    return infos


def test_a_watcher_gets_the_state_and_then_each_diff():
    """[T12] [T13]"""
    with enter("ada") as ada:
        assert told(ada) == [{"ada": [{"tab": 1}]}]
        with enter("bob") as bob:
            assert told(bob) == [{"ada": [{"tab": 1}], "bob": [{"tab": 1}]}]
            assert told(ada) == [({"bob": [{"tab": 1}]}, {})]
            bob.receive("update 2")
            assert told(ada) == told(bob) == [({"bob": [{"tab": 2}]}, {"bob": [{"tab": 1}]})]
            assert here() == {"ada": [{"tab": 1}], "bob": [{"tab": 2}]}
        assert told(ada) == [({}, {"bob": [{"tab": 2}]})]
        assert here() == {"ada": [{"tab": 1}]}
    assert here() == {}


def test_several_connections_under_a_key_are_several_entries():
    with enter("ada") as one, enter("ada") as two, enter("eve", "/8") as eve:
        assert here() == {"ada": [{"tab": 1}, {"tab": 1}]}
        assert here("/8") == {"eve": [{"tab": 1}]}
        metas = presence.list("/7")["ada"]
        assert len({meta.ref for meta in metas}) == 2
        told(one)
        two.receive("untrack")
        assert told(one) == [({}, {"ada": [{"tab": 1}]})]
        assert here() == {"ada": [{"tab": 1}]}
        assert told(eve) == [{"eve": [{"tab": 1}]}]


def test_a_connection_may_have_several_keys_and_takes_them_out_one_by_one():
    with enter("ada") as ada:
        ada.receive("track desk")
        ada.receive("track ada")
        assert here() == {"ada": [None], "desk": [None]}
        ada.receive("untrack ada", "untrack ada")
        assert here() == {"desk": [None]}
        ada.receive("unwatch")
        told(ada)
        ada.receive("track more")
        assert told(ada) == []
    assert here() == {}


def test_what_comes_and_goes_in_one_turn_is_told_to_nobody():
    class Brief(Guest):
        async def init(self, ref):
            await presence.track(self.room, ref, key="brief")
            await presence.untrack(self.room, ref)

    with enter("ada") as ada:
        told(ada)
        with testing.open(Brief, "/7?name=brief"):
            assert told(ada) == []


def test_an_entry_that_is_not_there_cannot_be_changed():
    with enter("ada") as ada:
        ada.receive("untrack")
        ada.receive("update 3")
        with pytest.raises(LookupError, match="no entry 'ada' in '/7'"):
            raise ada.error


@pytest.mark.parametrize(
    ("topic", "key", "meta", "said"),
    [
        ("", "key", None, "a topic has at least one character"),
        ("room", "", None, "a key has at least one character"),
        ("room", "\ud800", None, "a key has no lone surrogates"),
        ("room", "é" * 600, None, "at most 1024 bytes, not 1200"),
        ("room", "key", "x" * 4095, "at most 4096 bytes as JSON, not 4097"),
        ("room", "key", float("nan"), "not JSON compliant"),
        ("room", 7, None, "a key is a str, not 'int'"),
        ("room", "key", object(), "object is not JSON serializable"),
    ],
)
@pytest.mark.one_form
def test_what_is_no_entry_is_refused_where_it_is_given(topic, key, meta, said):
    """[T11]"""
    with pytest.raises((TypeError, ValueError), match=said):
        asyncio.run(presence.track(topic, None, key=key, meta=meta))


@pytest.mark.parametrize(
    "wrong", [{"linger": -1}, {"linger": 1e9}, {"lease": 0}, {"name": "x" * 1024}]
)
@pytest.mark.one_form
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"linger|lease|topic"):
        Presence(rooms, **wrong)


@pytest.mark.one_form
def test_two_of_the_same_name_on_one_pubsub_are_refused():
    async def begin():
        mine: PubSub[str | bytes] = PubSub("memory:")
        async with Presence(mine), Presence(mine, name="other"):
            for _ in range(2):
                with pytest.raises(ValueError, match="another Presence on this PubSub"):
                    await Presence(mine).__aenter__()
        async with Presence(mine):
            pass  # the first one has ended

    asyncio.run(begin())


def test_data_has_the_declared_type_everywhere():
    typed = Presence(PubSub("memory:"), dict[str, int])

    async def begin():
        with pytest.raises(TypeError, match="'str' is not dict"):
            await typed.track("room", None, key="ada", meta="no dict")

    asyncio.run(begin())


def test_the_entries_of_every_event_loop_of_the_process_are_known_in_all(wait_until):
    """[T10]"""
    both: Presence[object] = Presence(PubSub("memory:"), lease=0.5)
    entered, leave = threading.Event(), threading.Event()

    class Ref:
        def add_done_callback(self, callback):
            self.done = callback

    async def there():
        await both.track("room", Ref(), key="there")
        entered.set()
        while not leave.is_set():
            await asyncio.sleep(0.01)

    async def here():
        assert await asyncio.to_thread(entered.wait, 30)
        await both.track("room", Ref(), key="here")
        await wait_until(lambda: set(both.list("room")) == {"here", "there"})
        leave.set()
        await wait_until(lambda: set(both.list("room")) == {"here"})  # that loop is silent

    thread = threading.Thread(target=asyncio.run, args=(there(),))
    thread.start()
    asyncio.run(here())
    thread.join(30)


APP = """
import os
from contextlib import asynccontextmanager
from sock import Application, JsonSock
from sock.pubsub import Diff, Presence, PubSub, State

rooms = PubSub()
presence = Presence(rooms, int, lease=2, linger=60)

class Watcher(JsonSock[State | Diff, str, dict[str, list[str]]]):
    def __init__(self, request):
        self.name = request.query["name"]

    async def init(self, ref):
        if self.name != "watcher":
            await presence.track("room", ref, key=self.name, meta=os.getpid())
        await presence.watch("room", ref)

    def handle_info(self, info):
        if isinstance(info, State):
            return {"pid": [str(os.getpid())], "here": list(info.present)}
        return {"joins": list(info.joins), "leaves": list(info.leaves)}

@asynccontextmanager
async def lifespan():
    async with rooms, presence:
        yield

app = Application(Watcher, lifespan=lifespan)
"""


class Client:
    """A connection to one of the workers, with those who are here as it knows them."""

    def __init__(self, socket, name):
        self.name = name
        self.socket = socket
        first = json.loads(self.socket.recv(BOUND))
        self.pid, self.here = int(first["pid"][0]), set(first["here"])
        self.lost = set()

    def read_until(self, here):
        while self.here != here:
            diff = json.loads(self.socket.recv(BOUND))
            left = set(diff["leaves"]) - set(diff["joins"])
            self.lost |= left
            self.here = self.here - left | set(diff["joins"])


@pytest.mark.one_form
@pytest.mark.timeout(120)
def test_a_killed_worker_takes_its_people_along_and_a_reload_nobody(tmp_path):
    """[T14] [T15]"""
    (tmp_path / "chat.py").write_text(APP)
    served = Served(tmp_path, "chat:app", "--workers", "2")
    closing = contextlib.ExitStack()

    def enter(name):
        url = f"ws://127.0.0.1:{served.port}/?name={name}"
        return Client(closing.enter_context(connect(url, close_timeout=1)), name)

    try:
        guests = [enter(f"{at}") for at in range(12)]
        pids = {guest.pid for guest in guests}
        assert len(pids) == 2
        killed = guests[0].pid
        watcher = next(guest for guest in guests if guest.pid != killed)
        watcher.read_until({guest.name for guest in guests})
        os.kill(killed, signal.SIGKILL)
        left = [guest for guest in guests if guest.pid != killed]
        watcher.read_until({guest.name for guest in left})
        assert watcher.lost == {guest.name for guest in guests if guest.pid == killed}

        served.wait_until(lambda: served.said.count(" is ready after ") == 3)
        served.process.send_signal(signal.SIGHUP)
        for guest in left:
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    guest.socket.recv(BOUND)
            assert closed.value.rcvd.code == 1012
        watcher = enter("watcher")  # of a new worker, before anybody has come back
        assert watcher.here == {guest.name for guest in left}
        for guest in left:
            enter(guest.name)
        enter("last")
        watcher.read_until({guest.name for guest in left} | {"last"})
        assert watcher.lost == set()
    finally:
        closing.close()
        served.process.terminate()
        served.process.wait(30)
