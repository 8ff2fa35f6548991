"""NATS: its addresses, accounts, TLS, several servers."""

from __future__ import annotations

import asyncio

import pytest

from sock.pubsub import BackendDown, Gap, PubSub
from sock.pubsub.backends.nats import servers_of, subject_of, topic_of
from tests.authority import Authority
from tests.broker import free_port, nats_server
from tests.pubsub.listening import (
    Ref,
    carries,
    ends_beside_a_stopped,
    in_loop,
    refuses_address,
    until,
)

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nats:", "name"),
        ("nats://one:1,:2", "name"),
        ("nats://there:port", "Port"),
        ("nats://:secret@there?sort=of", "'sort'"),
        ("tls://there?ca=/nowhere.pem", "certificate"),
    ],
)
def test_what_is_no_address_is_one_line_without_its_password(url, why):
    refuses_address(url, why)


def test_an_address_names_several_servers_with_one_account():
    assert servers_of("nats://me:pw@one,two:5/").urls == (
        "nats://me:pw@one:4222",
        "nats://me:pw@two:5",
    )


@pytest.mark.parametrize("topic", ["room", "a.b", "a%2Eb", "*", ">", "é ", "\r\n\t", "a" * 1024])
def test_any_topic_is_one_token_of_a_subject(topic):
    subject = subject_of(topic)
    assert topic_of(subject) == topic
    assert subject.isascii()
    assert not set(subject.removeprefix("sock.")) & set(" .*>\r\n\t")


@pytest.mark.parametrize(
    ("options", "right", "wrong"),
    [
        (("--user", "me", "--pass", "open"), "me:open@", "me:wrong@"),
        (("--auth", "open"), "open@", "wrong@"),
    ],
)
def test_an_account_opens_and_a_wrong_one_is_told_without_its_password(
    events, options, right, wrong
):
    with nats_server(*options) as server:
        server.start()
        in_loop(carries(server.url.replace("//", f"//{right}")))
        with pytest.raises(BackendDown, match=r"(?i)authorization") as raised:
            in_loop(carries(server.url.replace("//", f"//{wrong}")))
        assert "wrong" not in str(raised.value)
    assert "open@" not in str(events)


def test_a_topic_that_the_account_may_not_hear_is_an_error_and_others_go_on(tmp_path, events):
    config = tmp_path / "nats.conf"
    config.write_text(
        "authorization { users = [{ user: me, password: pw, permissions: {"
        ' publish: "sock.room", subscribe: "sock.room" }}] }'
    )

    async def body():
        async with PubSub(url) as one, PubSub(url) as two:
            ref = Ref()
            with pytest.raises(BackendDown, match="secret"):
                await one.subscribe("secret", ref)
            await one.subscribe("room", ref)
            await two.broadcast("room", "x")
            await until(lambda: ref.heard)
            await two.broadcast("secret", "x")
            assert [fields["topic"] for name, fields in events if name == "pubsub.refused"] == [
                "secret",
                "secret",
            ]
            assert "pubsub.down" not in dict(events)

    with nats_server("-c", str(config)) as server:
        server.start()
        url = server.url.replace("//", "//me:pw@")
        in_loop(body())


def test_a_message_that_the_server_does_not_take_is_an_error_and_others_go_on(tmp_path):
    config = tmp_path / "nats.conf"
    config.write_text("max_payload: 1000")

    async def body():
        async with PubSub(server.url) as one:
            with pytest.raises(BackendDown, match="payload"):
                await one.broadcast("room", "x" * 2000)
        await carries(server.url)

    with nats_server("-c", str(config)) as server:
        server.start()
        in_loop(body())


def test_over_tls_the_certificate_is_checked(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", "127.0.0.1")
    with nats_server("--tlscert", certificate, "--tlskey", key, scheme="tls") as server:
        server.start()
        url = f"{server.url}?ca={authority.path}"
        in_loop(carries(url))
        with pytest.raises(BackendDown, match="certificate"):
            in_loop(carries(server.url))
        in_loop(ends_beside_a_stopped(server, url), 20)


def test_of_several_servers_the_next_one_is_taken(events):
    routes = [free_port(), free_port()]
    clustered = [
        ("--cluster_name", "c", "--cluster", f"nats://127.0.0.1:{own}", "--routes",
         f"nats://127.0.0.1:{other}")
        for own, other in (routes, routes[::-1])
    ]  # fmt: skip
    with nats_server(*clustered[0]) as first, nats_server(*clustered[1]) as second:
        first.start()
        second.start()
        both = f"nats://127.0.0.1:{first.port},127.0.0.1:{second.port}"

        async def body():
            async with PubSub(both) as one, PubSub(second.url) as two:
                ref = Ref()
                await one.subscribe("room", ref, gaps=True)
                first.kill()
                while Gap("room") not in ref.heard:
                    await asyncio.sleep(0.005)
                while "over the second" not in ref.heard:
                    two.broadcast_soon("room", "over the second")
                    await asyncio.sleep(0.02)
                assert "pubsub.down" not in dict(events)

        in_loop(body())
