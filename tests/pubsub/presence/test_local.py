"""Presence over several processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from sock.observe.metrics import Figures
from sock.pubsub import Diff, State
from sock.pubsub.envelope import VERSION, Envelope, coder
from sock.pubsub.payload import PRESENCE
from sock.pubsub.presence import message
from tests.broker import RedisCluster, nats_server, redis_server

from .conftest import LEASE, Ref, replayed

pytestmark = pytest.mark.one_form


def test_all_processes_list_the_same(processes, wait_until, in_loop):
    """[T10]"""

    async def body():
        async with processes(3) as three:
            refs = [Ref() for _ in range(30)]
            for at, ref in enumerate(refs):
                await three[at % 3].track("room", ref, key=f"{at % 10}", meta={"at": at})
            await wait_until(lambda: all(len(one.metas()) == 30 for one in three))
            assert three[0].list("room") == three[1].list("room") == three[2].list("room")
            for ref in refs[:15]:
                ref.end()
            await three[0].update("room", refs[15], key="5", meta="changed")
            await wait_until(lambda: all(len(one.metas()) == 15 for one in three))
            await wait_until(
                lambda: all("changed" in [m.data for m in one.metas()] for one in three)
            )
            assert three[0].list("room") == three[1].list("room") == three[2].list("room")

    in_loop(body)


def test_one_that_comes_later_knows_all_when_it_has_begun(processes, in_loop):
    async def body():
        async with processes() as (first,):
            size = message.MAX_DATA - 100
            for at in range(200):  # more than goes into one message
                await first.track("room", Ref(), key=f"{at}", meta="x" * size)
            async with processes() as (second,):
                assert second.list("room") == first.list("room")
                assert len(second.keys()) == 200

    in_loop(body)


def test_the_metrics_count_the_entries_of_the_own_connections(processes, wait_until, in_loop):
    async def body():
        with Figures() as figures:

            def shown():
                return figures.snapshot()["gauges"]["sock_presence_entries"]

            async with processes(2) as (first, second):
                await first.track("room", Ref(), key="ada")
                await first.track("hall", Ref(), key="ada")
                await wait_until(lambda: second.keys() == ["ada"])
                assert shown() == 2  # each is counted once, in its own process
                await first.presence.__aexit__(None, None, None)
                assert shown() == 0

    in_loop(body)


def test_an_orderly_end_is_told_at_once(processes, wait_until, in_loop):
    """[T14]"""

    async def body():
        async with processes(lease=3600) as (first,):
            async with processes(lease=3600) as (second,):
                await second.track("room", Ref(), key="ada")
                await wait_until(lambda: first.keys() == ["ada"])
            await wait_until(lambda: first.keys() == [])

    in_loop(body)


def test_one_that_begins_again_is_known_again(processes, wait_until, in_loop):
    async def body():
        async with processes(2) as (first, second):
            await second.track("room", Ref(), key="ada")
            await wait_until(lambda: first.keys() == ["ada"])
            second.link.is_cut = True  # nobody hears that it ends
            await second.presence.__aexit__(None, None, None)
            second.link.is_cut = False
            await second.track("room", Ref(), key="bob")
            await wait_until(lambda: first.keys() == second.keys() == ["bob"])

    in_loop(body)


def test_those_of_a_process_that_is_cut_off_leave_with_its_lease_and_come_back(
    processes, wait_until, in_loop
):
    """[T14]"""

    async def body():
        loop = asyncio.get_running_loop()
        async with processes(3) as (first, second, cut):
            gone, watching = Ref(), Ref()
            await first.track("room", Ref(), key="ada")
            await cut.track("room", Ref(), key="bob")
            await cut.track("room", gone, key="eve")
            await first.watch("room", watching)
            await wait_until(lambda: first.keys() == cut.keys() == ["ada", "bob", "eve"])
            began = loop.time()
            cut.link.is_cut = True
            await wait_until(lambda: first.keys() == second.keys() == ["ada"])
            assert loop.time() - began > LEASE / 2
            await wait_until(lambda: cut.keys() == ["bob", "eve"])
            gone.end()
            await cut.track("room", Ref(), key="new")
            cut.link.is_cut = False
            everybody = ["ada", "bob", "new"]
            await wait_until(lambda: first.keys() == second.keys() == cut.keys() == everybody)
            assert first.list("room") == second.list("room") == cut.list("room")
            assert sorted(replayed(watching.infos)[0]) == everybody

    in_loop(body)


def test_a_change_that_is_lost_is_noticed_and_made_up_for(processes, wait_until, in_loop):
    """[T10]"""

    async def body():
        async with processes(2, lease=8) as (one, two):
            lost = Ref()
            await one.track("room", lost, key="ada")
            await wait_until(lambda: two.keys() == ["ada"])
            two.link.is_cut = True
            lost.end()
            await one.track("room", Ref(), key="bob")
            await asyncio.sleep(0.1)
            two.link.is_cut = False
            await one.track("room", Ref(), key="eve")
            await wait_until(lambda: two.keys() == ["bob", "eve"])

    in_loop(body)


def test_nobody_flickers_over_a_stop_with_linger(processes, wait_until, in_loop):
    """[T15]"""

    async def body():
        async with processes(linger=30) as (staying,):
            watching, ada = Ref(), Ref()
            async with processes(linger=30) as (old,):
                await old.track("room", ada, key="ada")
                await old.track("room", Ref(), key="bob")
                await wait_until(lambda: staying.keys() == ["ada", "bob"])
                await staying.watch("room", watching)
                ada.shut_down()
            async with processes(linger=30) as (new,):
                assert new.keys() == ["ada", "bob"]  # also one that begins when they have gone
                refs = {
                    await new.track("room", Ref(), key="ada"),
                    await new.track("room", Ref(), key="bob"),
                }
                await wait_until(lambda: {meta.ref for meta in staying.metas()} == refs)
                await wait_until(lambda: len(watching.infos) >= 2)
                present, lost = replayed(watching.infos)
                assert lost == set()
                assert present == {key: {m.ref for m in ms} for key, ms in new.list("room").items()}

    in_loop(body)


def test_who_does_not_come_back_leaves_when_the_time_has_come(processes, wait_until, in_loop):
    """[T15]"""

    async def body():
        async with processes(2, linger=0.5) as (one, two):
            gone, here = Ref(), Ref()
            await one.track("room", gone, key="ada")
            await one.track("room", here, key="bob")
            await wait_until(lambda: two.keys() == ["ada", "bob"])
            gone.shut_down()
            here.end()  # as any other end: at once
            await wait_until(lambda: two.keys() == ["ada"])
            await wait_until(lambda: one.keys() == two.keys() == [])

    in_loop(body)


def garbage():
    node = b"8 bytes!"
    saids = [
        {},
        [],
        [1],
        [2, message.BEAT, node, 1],
        [1, 99, node],
        [1, message.BEAT, node, "1"],
        [1, message.BEAT, b"short", 1],
        [1, message.CHANGE, node, 1, [7]],
        [1, message.CHANGE, node, 1, [[1, "topic", "key", "no bytes"]]],
        [1, message.CHANGE, node, 1, [[1, float("nan")]]],
        [1, message.CHANGE, node, 1, [[1, 1e9]]],
    ]
    return [b"", b"\xff", *map(msgpack.encode, saids), b"\x91" * 5000]


def test_what_no_presence_says_is_dropped_and_counted(processes, wait_until, in_loop, events):
    async def body():
        async with processes(2) as (one, two):
            for data in garbage():
                envelope = Envelope(VERSION, b"8 bytes!", 0, "sock:presence:", PRESENCE, data)
                one.link.publish("sock:presence:", coder().encode(envelope))
            await one.track("room", Ref(), key="ada")
            await wait_until(lambda: two.keys() == ["ada"])
        rejected = [event for event, _ in events if event == "pubsub.rejected"]
        assert len(rejected) == len(garbage())

    in_loop(body)


def test_data_of_another_version_of_the_program_is_not_shown(
    processes, wait_until, in_loop, events
):
    async def body():
        async with processes() as (old,), processes(kind=dict[str, int]) as (new,):
            await old.track("room", Ref(), key="ada", meta="no dict")
            await old.track("room", Ref(), key="bob", meta={"a": 1})
            await wait_until(lambda: new.keys() == ["bob"])
            assert old.keys() == ["ada", "bob"]
        assert "pubsub.rejected" in [event for event, _ in events]

    in_loop(body)


def test_a_diff_has_all_of_one_turn(processes, wait_until, in_loop):
    """[T13]"""

    async def body():
        async with processes(2) as (one, two):
            watching = Ref()
            await two.watch("room", watching)
            for at in range(100):
                await one.track("room", Ref(), key=f"{at}")
            await wait_until(lambda: len(watching.infos) == 2)
            state, diff = watching.infos
            assert state == State("room", {})
            assert isinstance(diff, Diff)
            assert len(diff.joins) == 100

    in_loop(body)


# Any story, over each backend.

SERVERS = {
    "redis:": lambda folder: redis_server().start(),
    "redis+cluster:": lambda folder: RedisCluster(Path(folder)),
    "nats:": lambda folder: nats_server().start(),
}
SHORT = 0.5
STEPS = ["track"] * 4 + ["update", "untrack", "leave"] * 2
STEPS += ["start", "stop", "kill", "cut", "heal", "wait", "many"]


class Story:
    """Processes, and what each of them has to list at the end."""

    def __init__(self, make, stack, most):
        self._make = make
        self._stack = stack
        self._most = most
        self.alive = []

    async def start(self):
        if len(self.alive) < self._most:
            own = contextlib.AsyncExitStack()
            one = (await own.enter_async_context(self._make()))[0]
            one.own, one.stop, one.watchers = {}, own.aclose, {topic: Ref() for topic in TOPICS}
            for topic, ref in one.watchers.items():
                await one.watch(topic, ref)
            self._stack.push_async_callback(own.aclose)
            self.alive.append(one)

    async def carry_out(self, what, at, topic, key):
        one = self.alive[at % len(self.alive)]
        own = sorted(one.own, key=str)
        match what:
            case "start":
                await self.start()
            case "track" | "many":
                for number in range(1 if what == "track" else 300):
                    ref = Ref()
                    one.own[topic, key, ref] = number
                    await one.track(topic, ref, key=key, meta=number)
            case "update" | "untrack" | "leave" if own:
                place = topic, key, ref = own[at % len(own)]
                if what == "update":
                    one.own[place] = at
                    await one.update(topic, ref, key=key, meta=at)
                else:
                    del one.own[place]
                    if what == "leave":
                        ref.end()
                    else:
                        await one.untrack(topic, ref, key=key)
            case "stop" | "kill" if len(self.alive) > 1:
                self.alive.remove(one)
                one.link.is_cut = one.link.is_cut or what == "kill"
                await one.stop()
            case "cut" | "heal" if self._most > 1:
                one.link.is_cut = what == "cut"
            case "wait":
                await asyncio.sleep(at * SHORT / 2)

    def expected(self, topic):
        expected = {}
        for one in self.alive:
            for (where, key, _), data in one.own.items():
                if where == topic:
                    expected.setdefault(key, []).append(data)
        return {key: sorted(datas) for key, datas in expected.items()}

    def is_told(self):
        """Tell whether all list what is so, and their watchers show the same."""
        for topic in TOPICS:
            expected = self.expected(topic)
            for one in self.alive:
                listed = one.list(topic)
                shown, _ = replayed(one.watchers[topic].infos)
                if {key: sorted(m.data for m in ms) for key, ms in listed.items()} != expected:
                    return False
                if {key: {m.ref for m in ms} for key, ms in listed.items()} != shown:
                    return False
        lists = [[one.list(topic) for topic in TOPICS] for one in self.alive]
        return all(one == lists[0] for one in lists)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", ["memory:", "host:", *SERVERS])
def test_after_any_story_all_list_what_is_so(backend, processes, wait_until, in_loop, folder):
    """[T10] [T12] [T13] [T14]"""
    with SERVERS[backend](folder) if backend in SERVERS else contextlib.nullcontext() as server:
        url = backend if server is None else server.url
        if backend == "host:":
            url += folder
        most = 1 if backend == "memory:" else 4

        @settings(
            max_examples=int(os.environ.get("SOCK_STORIES", "1")),
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],  # each failure takes its whole bound
            suppress_health_check=list(HealthCheck),
        )
        @example(steps=PLAIN)
        @given(steps=STORY)
        def tell(steps):
            async def body():
                async with contextlib.AsyncExitStack() as stack:
                    name = secrets.token_hex(4)  # a story knows nothing of the one before
                    story = Story(lambda: processes(url=url, lease=SHORT, name=name), stack, most)
                    for _ in range(3):
                        await story.start()
                    for step in steps:
                        await story.carry_out(*step)
                    for one in story.alive if most > 1 else ():
                        one.link.is_cut = False
                    await wait_until(story.is_told)

            in_loop(body)

        tell()


TOPICS = ("room", "hall")
PLAIN = [  # one with a bit of everything; the others are made up
    *((what, at, "room", "ada") for at in range(3) for what in ("track", "many", "update")),
    ("cut", 1, "room", "ada"),
    *(("track", at, "room", "bob") for at in range(3)),
    ("leave", 1, "room", "ada"),
    ("wait", 1, "room", "ada"),
    ("start", 0, "room", "ada"),
    ("track", 3, "hall", "ada"),
    ("heal", 1, "room", "ada"),
    ("untrack", 0, "room", "ada"),
    ("kill", 2, "room", "ada"),
    ("stop", 0, "room", "ada"),
    ("update", 1, "hall", "ada"),
]
STORY = st.lists(
    st.tuples(
        st.sampled_from(STEPS),
        st.integers(0, 3),
        st.sampled_from(TOPICS),
        st.sampled_from(["ada", "bob"]),
    ),
    min_size=20,
    max_size=50,
)
