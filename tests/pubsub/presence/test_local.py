"""Presence over several processes."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import msgpack

from sock.pubsub import Diff, State
from sock.pubsub.envelope import VERSION, Envelope, coder
from sock.pubsub.payload import PRESENCE
from sock.pubsub.presence import message

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


def test_an_orderly_end_is_told_at_once(processes, wait_until, in_loop):
    """[T14]"""

    async def body():
        async with processes(lease=3600) as (first,):
            async with processes(lease=3600) as (second,):
                await second.track("room", Ref(), key="ada")
                await wait_until(lambda: first.keys() == ["ada"])
            await wait_until(lambda: first.keys() == [])

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
