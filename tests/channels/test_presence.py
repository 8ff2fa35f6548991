"""Who is here, as clients see it."""

import asyncio
from typing import Any

import pytest

from sock import telemetry
from sock.channels import Channel, Endpoint, Presence, Socket, on
from sock.channels.presence import merged, shaped
from sock.pubsub import Meta, PubSub
from sock.testing import channels

pytestmark = pytest.mark.one_form


@pytest.fixture
def served():
    """An endpoint whose channels track, with the presence."""

    def make(**options: Any):
        pubsub = PubSub("memory:")
        presence = Presence(pubsub, **options)

        class Room(Channel):
            async def after_join(self):
                if self.assigns.name:
                    await presence.track(self, self.assigns.name, {"tab": self.assigns.tab})
                await presence.push_state(self)

            @on("move")
            async def move(self, payload: dict[str, Any]):
                await presence.update(self, self.assigns.name, payload)
                return {}

            @on("hide")
            async def hide(self, payload: dict[str, Any]):
                await presence.untrack(self)
                return {}

        class UserSocket(Socket):
            channels = {"room:*": Room}

            def connect(self, params, info):
                self.assigns.name = params.get("name")
                self.assigns.tab = params.get("tab", "1")

        return Endpoint({"/socket": UserSocket}, pubsub=pubsub), presence

    return make


def connect(endpoint, name=None, tab="1"):
    return channels.connect(endpoint, params={"name": name, "tab": tab} if name else {})


class View:
    """What a client that follows the rules knows of who is here."""

    def __init__(self, client):
        self.client = client
        self.state: dict[str, Any] | None = None

    def read(self):
        """Take what has come, and return the data of each entry by key."""
        for one in self.client.heard():
            if one.event == "presence_state":
                self.client.expect_push(one.topic, one.event)
                self.state = one.payload
            elif one.event == "presence_diff":
                self.client.expect_broadcast(one.topic, one.event)
                assert self.state is not None, "a diff has come before the state"
                self.state = merged(self.state, one.payload["joins"], one.payload["leaves"])
        return {
            key: sorted(meta["tab"] for meta in entry["metas"])
            for key, entry in (self.state or {}).items()
        }


def test_those_who_come_change_and_go_are_seen_by_all_in_one_order(served):
    endpoint, presence = served()
    with connect(endpoint, "ada") as ada, connect(endpoint) as watcher:
        for client in (ada, watcher):
            client.join("room:1")
        views = [View(ada), View(watcher)]
        assert [view.read() for view in views] == [{"ada": ["1"]}] * 2
        with connect(endpoint, "bob") as bob, connect(endpoint, "bob", "2") as second:
            bob.join("room:1")
            second.join("room:1")
            views.append(View(bob))
            assert [view.read() for view in views] == [{"ada": ["1"], "bob": ["1", "2"]}] * 3
            ada.push("room:1", "move", {"tab": "9"})
            assert [view.read() for view in views] == [{"ada": ["9"], "bob": ["1", "2"]}] * 3
            bob.leave("room:1")
            assert views[1].read() == {"ada": ["9"], "bob": ["2"]}
        assert [view.read() for view in views[:2]] == [{"ada": ["9"]}] * 2
        assert list(presence.state("room:1")) == ["ada"]
        ada.push("room:1", "hide")
        assert views[1].read() == {}
    assert presence.state("room:1") == {}


def test_an_update_is_one_diff_that_names_what_it_replaces(served):
    endpoint, _ = served()
    with connect(endpoint, "ada") as ada:
        ada.join("room:1")
        ada.heard()
        View(ada).read()
        ada.push("room:1", "move", {"x": 2})
        diff = ada.expect_broadcast("room:1", "presence_diff")
        (joined,) = diff["joins"]["ada"]["metas"]
        (left,) = diff["leaves"]["ada"]["metas"]
        assert joined["phx_ref_prev"] == left["phx_ref"] != joined["phx_ref"]
        assert joined["x"] == 2


def test_another_topic_is_not_told(served):
    endpoint, _ = served()
    with connect(endpoint, "ada") as ada, connect(endpoint, "bob") as bob:
        ada.join("room:1")
        bob.join("room:2")
        assert View(ada).read() == {"ada": ["1"]}
        assert View(bob).read() == {"bob": ["1"]}


def test_a_rejoin_gets_the_state_again_and_has_one_entry(served):
    endpoint, _ = served()
    with connect(endpoint, "ada") as ada, connect(endpoint) as watcher:
        watcher.join("room:1")
        view = View(watcher)
        for _ in range(3):
            ada.join("room:1")  # a second join on the same connection
        assert View(ada).read() == view.read() == {"ada": ["1"]}


@pytest.mark.parametrize("asynchronous", [True, False])
def test_fetch_adds_to_each_key_once_for_all_clients(served, asynchronous):
    asked = []

    def fetch(topic, presences):
        asked.append((topic, sorted(presences)))
        return {key: {**entry, "name": key.upper()} for key, entry in presences.items()}

    async def fetch_slowly(topic, presences):
        await asyncio.sleep(0.1)
        return fetch(topic, presences)

    endpoint, presence = served(fetch=fetch_slowly if asynchronous else fetch)
    with connect(endpoint, "ada") as ada, connect(endpoint, "bob") as bob:
        ada.join("room:1")
        ada.advance(1)
        bob.join("room:1")
        ada.advance(1)
        assert View(ada).read() == View(bob).read() == {"ada": ["1"], "bob": ["1"]}
        assert {key: one["name"] for key, one in presence.state("room:1").items()} == {
            "ada": "ADA",
            "bob": "BOB",
        }
    assert asked[:2] == [("room:1", ["ada"]), ("room:1", ["bob"])]


def test_a_fetch_that_raises_is_told_and_clients_get_what_is_known(served):
    told = []

    def fetch(topic, presences):
        raise ValueError("no database")

    endpoint, _ = served(fetch=fetch)
    unsubscribe = telemetry.subscribe(lambda event, fields: told.append((event, fields)))
    try:
        with connect(endpoint, "ada") as ada:
            ada.join("room:1")
            assert View(ada).read() == {"ada": ["1"]}
    finally:
        unsubscribe()
    assert ("presence.failed", "room:1") in [(event, fields.get("topic")) for event, fields in told]


def test_a_connection_that_is_lost_leaves(served):
    endpoint, _ = served()
    with connect(endpoint) as watcher, connect(endpoint, "ada") as ada:
        watcher.join("room:1")
        ada.join("room:1")
        view = View(watcher)
        assert view.read() == {"ada": ["1"]}
        ada.session.lose()
        watcher.advance(1)
        assert view.read() == {}


def test_those_who_come_back_after_a_drain_have_not_left(served):
    endpoint, presence = served(linger=20)
    with connect(endpoint) as watcher:
        watcher.join("room:1")
        view = View(watcher)
        with connect(endpoint, "ada") as ada:
            ada.join("room:1")
            ada.session.shutdown(1)
            ada.session.advance(1)
        assert view.read() == {"ada": ["1"]}
        with connect(endpoint, "ada", "2") as ada:
            ada.join("room:1")
            assert view.read()["ada"][-1] == "2"
        watcher.advance(30)
        assert view.read() == {}
        assert presence.state("room:1") == {}


def test_an_update_without_an_entry_is_refused(served):
    endpoint, _ = served()
    with connect(endpoint, "ada") as ada:
        ada.join("room:1")
        ada.push("room:1", "hide")
        ada.push("room:1", "move", {})
        assert [type(one) for one in ada.crashes] == [LookupError]


def test_it_may_be_entered_in_a_lifespan():
    async def enter():
        async with PubSub("memory:") as pubsub, Presence(pubsub) as presence:
            return presence.state("room:1")

    assert asyncio.run(enter()) == {}


def test_entries_take_the_shape_that_clients_know():
    assert shaped({"ada": [Meta("r1", {"tab": 1}), Meta("r2", {"phx_ref": "forged"})]}) == {
        "ada": {"metas": [{"tab": 1, "phx_ref": "r1"}, {"phx_ref": "r2"}]}
    }
