"""The orderly end of all connections of a host."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock import Options, Request
from sock.hosting.drain import drain, pause
from sock.live.held import Held

pytestmark = pytest.mark.one_form


class StillHttp:
    request = None

    def __init__(self, host):
        self.host = host

    def shutdown(self):
        self.host.http_connections.discard(self)

    def held_by(self):
        raise AssertionError("it has ended")

    def cut(self):
        raise AssertionError("it has ended")


class Stays:
    """A live connection that ends at the step of the drain that it is told."""

    def __init__(self, host, *, until="cut", work=True, place="Stays.handle_in"):
        self.host = host
        self.until = until
        self.work = work
        self.place = place
        self.bounds = []
        self.steps = []
        self.request = Request()

    def shutdown(self, timeout):
        self.bounds.append(timeout)
        self.host.told.append(self)
        self._step("told")

    def held_by(self):
        return Held("callback", "Stays", self.place, float(len(self.steps)), 7)

    def end_work(self):
        self._step("work ended")
        return self.work

    def abandon_work(self):
        self._step("work abandoned")

    def cut(self):
        self._step("cut")

    def _step(self, name):
        self.steps.append(name)
        if name == self.until:
            self.host.live_connections.discard(self)
            self.host.look()


class Host:
    def __init__(self, count=1, **how):
        self.http_connections = {StillHttp(self)}
        self.live_connections = {Stays(self, **how) for _ in range(count)}
        self.told = []
        self.empty = asyncio.Event()

    def look(self):
        if not self.http_connections and not self.live_connections:
            self.empty.set()

    async def wait_empty(self):
        await self.empty.wait()


def test_time_is_kept_for_the_close_frames_and_those_left_are_cut(run_async):
    async def act():
        host = Host()
        [stays] = host.live_connections
        assert await drain(host, Options(), 0.04) == 1
        [bound] = stays.bounds
        assert 0 < bound <= 0.04
        assert stays.steps == ["told", "work ended", "work abandoned", "cut"]
        assert not host.http_connections
        assert not host.live_connections

    run_async(act())


@pytest.mark.parametrize(
    ("until", "work", "cut"),
    [
        ("told", True, 0),
        ("work ended", True, 1),
        ("work abandoned", True, 1),
        ("work ended", False, 0),
        ("cut", False, 1),
    ],
)
def test_a_connection_is_counted_once_when_its_work_or_itself_was_cut(run_async, until, work, cut):
    async def act():
        host = Host(until=until, work=work)
        assert await drain(host, Options(), 0.04) == cut

    run_async(act())


def test_what_was_cut_is_told_once_for_each_thing_that_has_held_it_up(run_async, events):
    async def act():
        host = Host(count=3)
        host.live_connections.add(Stays(host, place="Stays.init"))
        assert await drain(host, Options(), 0.04) == 4

    run_async(act())
    told = [fields for name, fields in events if name == "drain.cut"]
    assert {(fields["place"], fields["connections"], fields["pending"]) for fields in told} == {
        ("Stays.handle_in", 3, 21),
        ("Stays.init", 1, 7),
    }
    assert all(fields["request"] and fields["seconds"] == 1.0 for fields in told)


def test_without_a_bound_it_waits(run_async):
    async def act():
        host = Host()
        [stays] = host.live_connections
        draining = asyncio.ensure_future(drain(host, Options(), None))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert stays.bounds == [None]
        stays.cut()
        assert await draining == 0

    run_async(act())


def test_the_connections_are_told_in_batches_with_pauses_between(run_async, events):
    async def act():
        host = Host(count=7)
        seen = []

        async def watch():
            while len(host.told) < 7:
                if len(host.told) not in seen:
                    seen.append(len(host.told))
                await asyncio.sleep(0)

        watching = asyncio.ensure_future(watch())
        options = Options(drain_batch=3, drain_interval=0.02)
        draining = asyncio.ensure_future(drain(host, options, None))
        await watching
        assert [count for count in seen if count] == [3, 6]
        for stays in list(host.live_connections):
            stays.cut()
        await draining

    run_async(act())
    assert [fields["batches"] for name, fields in events if name == "drain.paused"] == [2, 1]
    assert [fields["connections"] for name, fields in events if name == "drain.told"] == [3, 3, 1]


def test_all_are_told_in_time_whatever_the_interval_is(run_async):
    async def act():
        loop = asyncio.get_running_loop()
        host = Host(count=5)
        began = loop.time()
        assert await drain(host, Options(drain_batch=1, drain_interval=3600), 1) == 5
        assert len(host.told) == 5
        assert loop.time() - began < 20

    run_async(act())


def test_nobody_waits_for_the_next_batch_when_no_connection_is_left(run_async):
    async def act():
        host = Host(count=2, until="told")
        [_, other] = host.live_connections
        options = Options(drain_batch=1, drain_interval=3600)
        draining = asyncio.ensure_future(drain(host, options, None))
        while len(host.told) < 1:
            await asyncio.sleep(0)
        for stays in list(host.live_connections):  # its peer leaves by itself
            stays.until = "left"
            stays._step("left")
        await draining
        assert len(host.told) == 1
        assert other.steps

    run_async(act())


@given(st.floats(0.001, 1e6), st.integers(1, 10**6), st.one_of(st.none(), st.floats(0, 1e6)))
def test_a_pause_is_about_the_interval_and_never_longer_than_the_time_left(
    interval, batches, time_left
):
    seconds = pause(interval, batches, time_left)
    assert 0 <= seconds <= 1.5 * interval
    if time_left is None:
        assert seconds >= 0.5 * interval
    else:
        assert seconds <= time_left
        assert seconds <= 1.5 * time_left / batches


def test_without_an_interval_there_is_no_pause():
    assert pause(None, 5, None) == pause(None, 5, 1.0) == 0
