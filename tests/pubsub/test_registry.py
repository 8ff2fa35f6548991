"""Who listens to a topic, and the fan-out."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import tracemalloc

import pytest

from sock import Prepared
from sock.pubsub.gap import Gap
from sock.pubsub.payload import TEXT, AsInfo
from sock.pubsub.registry import MAX_HOLD, Registry

pytestmark = pytest.mark.one_form


class Ref:
    """The address of a connection of a test: another kind of ref than that of a server."""

    __slots__ = ("done", "heard")

    def __init__(self):
        self.heard = []
        self.done = None

    def send(self, info):
        self.heard.append(info)

    def add_done_callback(self, callback):
        self.done = callback


def send(registry, topic, text, exclude=None):
    registry.deliver(topic, text, TEXT, text.encode(), exclude)


def in_loop(scenario):
    async def run():
        await scenario()

    asyncio.run(asyncio.wait_for(run(), 30))


@pytest.fixture
def emptied():
    return []


def with_registry(emptied, body):
    async def scenario():
        await body(Registry(asyncio.get_running_loop(), emptied.append))

    in_loop(scenario)


def test_a_message_reaches_those_who_listen_in_their_way(emptied):
    async def body(registry):
        info, attached, shouting, other = Ref(), Ref(), Ref(), Ref()
        registry.subscribe("room", info, gaps=False)
        registry.attach("room", attached, None)
        registry.attach("room", shouting, str.upper)
        registry.subscribe("elsewhere", other, gaps=False)
        send(registry, "room", "one")
        send(registry, "room", "two", exclude=info)
        send(registry, "room", "three", exclude=attached)
        assert info.heard == ["one", "three"]
        assert attached.heard == [Prepared("one"), Prepared("two")]
        assert shouting.heard == [Prepared("ONE"), Prepared("TWO"), Prepared("THREE")]
        assert other.heard == []
        assert set(registry.refs("room")) == {info, attached, shouting}

    with_registry(emptied, body)


def test_encode_is_called_once_for_functions_that_do_the_same(emptied):
    calls = []

    def made():
        return lambda text: calls.append(text) or text

    async def body(registry):
        refs = [Ref() for _ in range(20)]
        for ref in refs:
            # The list of calls makes this one a closure, and each of those is another function.
            registry.attach("own", ref, made())
            registry.attach("same", ref, lambda text: text * 2)
        send(registry, "own", "a")
        send(registry, "same", "b")
        # On a busy machine a fan-out goes on in the next turn.
        while any(topic.steps is not None for topic in registry.topics.values()):
            await asyncio.sleep(0)
        assert len(calls) == 20
        assert {id(ref.heard[-1]) for ref in refs} == {id(refs[0].heard[-1])}
        assert refs[0].heard[-1] == Prepared("bb")

    with_registry(emptied, body)


def test_an_encode_that_raises_is_told_and_disturbs_nobody_else(emptied, events):
    async def body(registry):
        good, bad = Ref(), Ref()
        registry.attach("room", bad, lambda text: 1 / 0)
        registry.attach("room", good, None)
        send(registry, "room", "a")
        assert (good.heard, bad.heard) == ([Prepared("a")], [])
        (failed,) = (fields for event, fields in events if event == "pubsub.failed")
        assert isinstance(failed["error"], ZeroDivisionError)

    with_registry(emptied, body)


def test_a_connection_is_in_a_topic_once_and_what_was_asked_for_last_counts(emptied):
    async def body(registry):
        ref = Ref()
        registry.subscribe("room", ref, gaps=False)
        registry.attach("room", ref, str.upper)
        send(registry, "room", "a")
        registry.subscribe("room", ref, gaps=False)
        send(registry, "room", "b")
        assert ref.heard == [Prepared("A"), "b"]
        assert registry.refs("room") == (ref,)

    with_registry(emptied, body)


def test_a_connection_that_is_over_leaves_all_its_topics(emptied):
    async def body(registry):
        one, two = Ref(), Ref()
        for topic in ("a", "b", "c"):
            registry.subscribe(topic, one, gaps=False)
        registry.attach("c", two, None)
        registry.discard("a", one)
        registry.discard("nowhere", one)
        registry.discard("a", Ref())
        assert emptied == ["a"]
        one.done()
        assert sorted(emptied) == ["a", "b"]
        assert list(registry.topics) == ["c"]
        registry.discard("c", two)
        two.done()
        assert registry.topics == {}

    with_registry(emptied, body)


def test_a_connection_that_has_left_all_its_topics_keeps_nothing_and_may_come_back(emptied):
    names = [f"room:{number}" for number in range(100)]

    async def body(registry):
        one, two = Ref(), Ref()
        for ref in (one, two):
            registry.attach("begin", ref, None)
        for name in names:
            registry.attach(name, two, None)
        tracemalloc.start()
        try:
            for name in names:
                registry.attach(name, one, None)
            for name in ("begin", *names):
                registry.discard(name, one)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 1000
        registry.attach("again", one, None)
        assert registry.refs("again") == (one,)
        one.done()
        assert registry.refs("again") == ()

    with_registry(emptied, body)


def test_a_gap_comes_to_those_who_asked_and_before_the_next_message(emptied):
    async def body(registry):
        asked, silent, elsewhere = Ref(), Ref(), Ref()
        registry.subscribe("a", asked, gaps=True)
        registry.subscribe("a", silent, gaps=False)
        registry.subscribe("b", elsewhere, gaps=True)
        send(registry, "a", "1")
        registry.tell_gap("a")
        registry.tell_gap("nowhere")
        send(registry, "a", "2")
        registry.tell_gap()
        assert asked.heard == ["1", Gap("a"), "2", Gap("a")]
        assert silent.heard == ["1", "2"]
        assert elsewhere.heard == [Gap("b")]

    with_registry(emptied, body)


def test_a_large_fan_out_goes_in_slices_and_no_message_overtakes_another(emptied):
    class Slow(Ref):
        def send(self, info):
            end = time.perf_counter() + MAX_HOLD / 200
            while time.perf_counter() < end:
                pass
            super().send(info)

    async def body(registry):
        refs = [Slow() for _ in range(2000)]
        for ref in refs:
            registry.subscribe("room", ref, gaps=False)
        for number in range(3):
            send(registry, "room", str(number))
        assert refs[0].heard != ["0", "1", "2"]  # it would have held the loop for 150 ms
        turns = 0
        leaving, late = refs[-1], Ref()
        leaving.done()
        registry.subscribe("elsewhere", late, gaps=False)
        send(registry, "elsewhere", "not held up")
        while registry.topics["room"].steps is not None:
            turns += 1
            await asyncio.sleep(0)
        assert turns > 5
        assert all(ref.heard == ["0", "1", "2"] for ref in refs[:-1])
        assert leaving.heard == []
        assert late.heard == ["not held up"]

    with_registry(emptied, body)


def test_those_who_broadcast_faster_than_it_is_sent_are_told_so(emptied):
    class Broadcasts(Ref):
        def send(self, info):
            while not registry_of[0].behind:
                send(registry_of[0], "room", "more")

    registry_of = []

    async def body(registry):
        registry_of.append(registry)
        ref = Broadcasts()
        registry.subscribe("room", ref, gaps=False)
        send(registry, "room", "first")
        registry.discard("room", ref)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not registry.behind

    with_registry(emptied, body)


def test_a_subscription_has_at_most_300_bytes_and_leaving_takes_as_long_in_large_topics(emptied):
    async def body(registry):
        refs = [Ref() for _ in range(20_000)]
        gc.collect()
        tracemalloc.start()
        for ref in refs:
            registry.subscribe("room", ref, gaps=False)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # Beside what is counted here, a connection keeps a list with one callback.
        assert size / len(refs) + sys.getsizeof([None]) <= 300
        steps = []
        for topic, number in (("room", 20_000), ("small", 20)):
            for ref in refs[:number]:
                registry.subscribe(topic, ref, gaps=False)
            began = time.process_time()
            for ref in refs[:20]:
                registry.discard(topic, ref)
            steps.append(time.process_time() - began)
        assert steps[0] < 100 * steps[1] + 0.01

    with_registry(emptied, body)


def steps_of(act):
    """Return how many lines of the room a call runs through."""
    count = 0

    def trace(frame, event, _argument):  # a collection of garbage may run others
        nonlocal count
        count += event == "line" and frame.f_globals["__name__"].startswith("sock.pubsub")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return count


def test_to_enter_and_to_leave_takes_the_same_steps_among_100_000_topics_as_among_ten(emptied):
    def enter_and_leave(registry, name):
        ref = Ref()
        return (
            steps_of(lambda: registry.subscribe(name, ref, gaps=False)),
            steps_of(lambda: registry.discard(name, ref)),
            steps_of(lambda: registry.attach(name, ref, None)),
            steps_of(ref.done),
        )

    async def body(registry):
        for number in range(100_000):
            if number == 10:
                among_ten = enter_and_leave(registry, "one more")
            registry.subscribe(f"topic:{number}", Ref(), gaps=False)
        assert len(registry.topics) == 100_000
        among_many = enter_and_leave(registry, "one more")
        assert among_many == among_ten
        assert all(among_many)

    with_registry(emptied, body)


def test_an_encode_may_give_nothing_or_an_info_made_once_for_all(emptied):
    def encode(message):
        return None if message == "nothing" else AsInfo([message])

    async def body(registry):
        refs = [Ref(), Ref()]
        for ref in refs:
            registry.attach("a", ref, encode)
        send(registry, "a", "nothing")
        send(registry, "a", "x")
        assert [ref.heard for ref in refs] == [[["x"]], [["x"]]]
        assert refs[0].heard[0] is refs[1].heard[0]

    with_registry(emptied, body)
