"""What a process knows of the entries of all, on a network that loses and delays as it likes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sock.pubsub.presence.data import Data
from sock.pubsub.presence.message import BEAT, CHANGE, ENTRIES, checked, opener, packer
from sock.pubsub.presence.replica import MAX_NODES, Replica
from sock.pubsub.presence.roster import Roster

pytestmark = pytest.mark.one_form

LEASE = 10.0
BEAT_INTERVAL = 2.5
TOPICS, KEYS = ("room", "hall"), ("ada", "bob")


class Process:
    """A process with a roster whose diffs a client replays."""

    def __init__(self, network, name):
        self.network = network
        self.roster = Roster(lambda _: True, lambda: None)
        self.replica = Replica(name, self.roster, Data(), self.send, self.reject, LEASE)
        self.queue = []
        self.own = []
        self.cut = self.killed = False
        self.shown = {}

    def send(self, to, said):
        data = packer()(said)
        for other in self.network.alive():
            reached = other is not self and not (self.cut or other.cut)
            if reached and to in {None, other.replica.me}:
                other.queue.append(data)

    def reject(self, error):
        raise error

    def show(self):
        """Replay the diffs as a client does, and compare with what is listed."""
        for diff in self.roster.taken_diffs():
            shown = self.shown.setdefault(diff.topic, {})
            for key, metas in diff.joins.items():
                shown.setdefault(key, {}).update({meta.ref: meta for meta in metas})
            for key, metas in diff.leaves.items():
                for meta in metas:
                    del shown[key][meta.ref]
                if not shown[key]:
                    del shown[key]
        assert self.listed() == {
            topic: {key: list(dict(sorted(refs.items())).values()) for key, refs in shown.items()}
            for topic, shown in self.shown.items()
            if shown
        }

    def listed(self):
        return {topic: self.roster.present(topic) for topic in TOPICS if self.roster.present(topic)}


class Network:
    """Processes, and the time."""

    def __init__(self):
        self.now = 0.0
        self.processes = []
        self.started = 0
        self.random = random.Random(7)

    def alive(self):
        return [one for one in self.processes if not one.killed]

    def start(self):
        self.started += 1
        one = Process(self, self.started.to_bytes(8, "big"))
        self.processes.append(one)
        one.replica.begin()
        return one

    def deliver(self, loss=0.0):
        """Deliver what is under way, some of which may be lost."""
        while any(one.queue for one in self.alive()):
            for one in self.alive():
                queue, one.queue = one.queue, []
                for data in queue:
                    if self.random.random() >= loss:
                        one.replica.take(opener()(data), self.now)

    def pass_time(self, seconds, loss=0.0):
        """Let time pass, with its beats."""
        end = self.now + seconds
        while self.now < end:
            self.now += BEAT_INTERVAL / 2
            for one in self.alive():
                one.replica.flush()
                one.replica.beat()
            self.deliver(loss)
            for one in self.alive():
                one.replica.expire(self.now)
                one.show()

    def track(self, one, topic, key):
        one.own.append(one.replica.join(topic, key, b"1"))


WHAT = [*["track"] * 4, *["leave", "shut", "lose", "deliver", "heal"] * 2]
WHAT += ["start", "kill", "end", "cut", "time", "long"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(WHAT), st.integers(0, 4), st.sampled_from(TOPICS), st.sampled_from(KEYS)
    ),
    min_size=25,
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_after_any_story_all_list_the_same_and_what_their_watchers_show(steps):
    """[T10] [T13] [T14] [T15]"""
    network = Network()
    for _ in range(3):
        network.start()
    for step, at, topic, key in steps:
        alive = network.alive()
        one = alive[at % len(alive)]
        if step == "start" and len(alive) < 5:
            network.start()
        elif step == "track":
            network.track(one, topic, key)
        elif step in {"leave", "shut"} and one.own:
            number = one.own.pop(at % len(one.own))
            one.replica.leave(number, 7.0 if step == "shut" else 0, network.now)
        elif step == "kill" and len(alive) > 1:
            one.killed = True
        elif step == "end" and len(alive) > 1:
            one.replica.end(7.0, network.now)
            one.killed = True
        elif step in {"cut", "heal"}:
            one.cut = step == "cut"
        elif step in {"lose", "deliver"}:
            one.replica.flush()
            network.deliver(0.5 if step == "lose" else 0)
        elif step in {"time", "long"}:
            network.pass_time(2 if step == "time" else 12, loss=0.2)
        one.show()
    for one in network.processes:
        one.cut = False
    network.pass_time(2 * LEASE)
    first = network.alive()[0]
    expected = {(entry[0], entry[1]) for one in network.alive() for entry in entries_of(one)}
    assert {(topic, key) for topic, keys in first.listed().items() for key in keys} == expected
    for one in network.alive():
        assert one.listed() == first.listed()


def entries_of(one):
    """Return topic and key of the entries of a process, as it tells them to one that asks."""
    told = []
    other = one.network.start()
    one.network.deliver()
    for topic, keys in other.listed().items():
        for key, metas in keys.items():
            told += [(topic, key) for meta in metas if meta.ref.startswith(one.replica.me.hex())]
    other.killed = True
    return told


def test_parts_that_are_not_complete_change_nothing():
    network = Network()
    one = network.start()
    other = b"another."
    entry = [1, "room", "ada", b"1"]
    for part in (
        (ENTRIES, other, 9, 1, 2, [entry]),
        (ENTRIES, other, 9, 3, 3, []),
        (ENTRIES, other, 9, 2, 2, []),
    ):
        one.replica.take(checked(part), 0.0)
        assert one.listed() == {}
    for part in ((ENTRIES, other, 9, 1, 2, [entry]), (ENTRIES, other, 9, 2, 2, [])):
        one.replica.take(checked(part), 0.0)
    assert list(one.listed()["room"]) == ["ada"]


def test_a_change_that_was_known_already_is_no_change():
    network = Network()
    one = network.start()
    come = checked((CHANGE, b"another.", 1, [[1, "room", "ada", b"1"]]))
    gone = checked((CHANGE, b"another.", 2, [[1, 0.0]]))
    for said in (come, come, gone, come):
        one.replica.take(said, 0.0)
    assert one.listed() == {}


def test_so_many_processes_are_known_and_no_more():
    network = Network()
    one = network.start()
    for at in range(MAX_NODES + 10):
        node = (1000 + at).to_bytes(8, "big")
        one.replica.take((CHANGE, node, 1, [[1, "room", f"{at}", b"1"]]), 0.0)
    assert len(one.listed()["room"]) == MAX_NODES


def test_a_process_that_was_stopped_believes_nobody_dead():
    """[T14]"""
    network = Network()
    one, two = network.start(), network.start()
    network.track(two, "room", "ada")
    network.pass_time(5)
    one.replica.forgive(30)
    network.now += 30
    one.replica.expire(network.now)
    assert list(one.listed()["room"]) == ["ada"]
    one.replica.take((BEAT, two.replica.me, 1), network.now)
    one.replica.expire(network.now + 9)
    assert list(one.listed()["room"]) == ["ada"]
    one.replica.expire(network.now + 10)
    assert one.listed() == {}
