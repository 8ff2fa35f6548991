"""The client of channels that the kit has."""

import asyncio
from typing import Any

import pytest

from sock.channels import Channel, Endpoint, JoinError, Socket, on
from sock.pubsub import PubSub
from sock.testing import channels

pytestmark = pytest.mark.one_form


class Room(Channel):
    def join(self, topic: str, params: dict[str, Any]):
        if params.get("refuse"):
            raise JoinError(reason="no")
        return {"name": self.assigns.name}

    def after_join(self):
        self.push("welcome", {"to": self.topic})

    @on("say")
    async def say(self, payload: dict[str, Any]):
        await self.broadcast("said", payload)
        return {"id": 7}

    @on("later")
    async def later(self, payload: dict[str, Any]):
        await asyncio.sleep(10)
        return {}

    @on("blob")
    async def blob(self, payload: bytes):
        self.push("blob", payload)
        await self.broadcast("blob", payload)
        return payload

    @on("boom")
    def boom(self, payload: Any):
        raise ValueError("boom")


class UserSocket(Socket):
    channels = {"room:*": Room}

    def connect(self, params, info):
        self.assigns.name = (
            info.auth_token or params.get("name") or info.request.cookies.get("name")
        )


@pytest.fixture
def endpoint():
    return Endpoint({"/socket": UserSocket}, pubsub=PubSub("memory:"), auth_token=True)


def test_two_clients_talk(endpoint):
    with (
        channels.connect(endpoint, params={"name": "ada"}) as ada,
        channels.connect(endpoint, cookies={"name": "bob"}, headers={"X-Any": "1"}) as bob,
    ):
        assert ada.join("room:1") == ("ok", {"name": "ada"})
        assert bob.join("room:1") == channels.Reply("ok", {"name": "bob"})
        ada.expect_push("room:1", "welcome", {"to": "room:1"})
        ref = ada.push("room:1", "say", {"body": "hi"})
        ada.expect_reply(ref, "ok", {"id": 7})
        assert ada.expect_broadcast("room:1", "said") == {"body": "hi"}
        bob.expect_broadcast("room:1", "said", {"body": "hi"})
        ada.expect_nothing()
        assert ada.leave("room:1").status == "ok"
        ada.expect_push("room:1", "phx_close", {})


def test_the_token_is_sent_as_phoenix_js_sends_it(endpoint):
    with channels.connect(endpoint, auth_token="eve") as eve:
        assert eve.join("room:1").response == {"name": "eve"}
    assert eve.session.closed


def test_a_refused_join_is_a_reply(endpoint):
    with channels.connect(endpoint) as client:
        assert client.join("room:1", {"refuse": True}) == ("error", {"reason": "no"})


def test_time_passes_when_the_test_says_so(endpoint):
    with channels.connect(endpoint) as client:
        client.join("room:1")
        ref = client.push("room:1", "later")
        with pytest.raises(AssertionError, match=f"expected a reply to {ref}, heard"):
            client.expect_reply(ref)
        client.advance(10)
        client.expect_reply(ref, "ok")


def test_binary_payloads_go_both_ways(endpoint):
    with channels.connect(endpoint) as client:
        client.join("room:1")
        ref = client.push("room:1", "blob", b"\x00\x01")
        client.expect_reply(ref, "ok", b"\x00\x01")
        client.expect_push("room:1", "blob", b"\x00\x01")
        client.expect_broadcast("room:1", "blob", b"\x00\x01")


@pytest.mark.parametrize(
    ("expect", "text"),
    [
        (lambda client: client.expect_push("room:1", "said"), "expected a push 'said'"),
        (lambda client: client.expect_broadcast("room:1", "welcome"), "a broadcast 'welcome'"),
        (lambda client: client.expect_push("room:1", "welcome", {}), "the payload is"),
        (lambda client: client.expect_reply("1", "error"), "expected a reply to 1"),
        (lambda client: client.expect_nothing(), "heard besides"),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_is_told(endpoint, expect, text):
    with channels.connect(endpoint) as client:
        client.join("room:1")
        with pytest.raises(AssertionError, match=text):
            expect(client)


def test_a_channel_that_crashes_fails_its_test(endpoint):
    with pytest.raises(ValueError, match="boom"):
        with channels.connect(endpoint) as client:
            client.join("room:1")
            client.push("room:1", "boom")
            client.expect_push("room:1", "phx_error")


def test_a_crash_that_the_test_looks_at_is_expected(endpoint):
    with channels.connect(endpoint) as client:
        client.join("room:1")
        client.push("room:1", "boom")
        assert [str(one) for one in client.crashes] == ["boom"]
