"""Redis: its addresses, accounts, TLS, sentinels."""

from __future__ import annotations

import asyncio

import pytest

from sock.pubsub import BackendDown, PubSub
from sock.pubsub.backends.redis import place_of, places_of
from tests.authority import Authority
from tests.broker import Broker, free_port, redis_server
from tests.needed import needed
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
        ("redis://there:port", "Port"),
        ("redis://there/first", "number"),
        ("redis://there?socket_connect_timeout=soon", "socket_connect_timeout"),
        ("redis://:secret@there?sort_of=option", "sort_of"),
        ("redis+sentinel://there:1", "name of the master"),
    ],
)
def test_what_is_no_address_is_one_line_without_its_password(url, why):
    refuses_address(url, why)


def test_an_address_has_account_database_and_several_servers():
    place = place_of("redis://me:a%40b@there:1/3")
    assert place.arguments["password"] == "a@b"
    assert place.prefix == "sock:3:"
    places, name = places_of("rediss+sentinel://:x@one:1,two:2/mymaster")
    assert [(one.arguments["host"], one.arguments["port"]) for one in places] == [
        ("one", 1),
        ("two", 2),
    ]
    assert name == "mymaster"


def test_a_password_opens_and_a_wrong_one_is_told_without_it(events):
    with redis_server("--requirepass", "open sesame") as server:
        server.start()
        right = server.url.replace("//", "//:open%20sesame@")
        in_loop(carries(right))

        async def refused(url):
            with pytest.raises(BackendDown, match=r"(?i)password|auth") as raised:
                await carries(url)
            assert "wrong" not in str(raised.value)

        in_loop(refused(server.url.replace("//", "//:wrong@")))
        in_loop(refused(server.url))
    assert "sesame" not in str(events)


def test_databases_do_not_hear_each_other():
    async def body():
        async with PubSub(f"{server.url}/1") as one, PubSub(f"{server.url}/2") as two:
            ref = Ref()
            await one.subscribe("room", ref)
            await two.broadcast("room", "elsewhere")
            async with PubSub(f"{server.url}/1") as three:
                await three.broadcast("room", "here")
            await until(lambda: ref.heard)
            assert ref.heard == ["here"]

    with redis_server() as server:
        server.start()
        in_loop(body())


def test_a_topic_that_the_account_may_not_hear_is_an_error_and_others_go_on(events):
    rights = ["-@all", "+publish", "+subscribe", "+ping"]
    user = ["limited", "on", ">pw", "resetchannels", "&sock:0:room", *rights]

    async def body():
        async with PubSub(server.url.replace("//", "//limited:pw@")) as one:
            ref = Ref()
            with pytest.raises(BackendDown, match="no permissions"):
                await one.subscribe("secret", ref)
            with pytest.raises(BackendDown, match="no permissions"):
                await one.broadcast("secret", "x")
            await one.subscribe("room", ref)
            async with PubSub(server.url) as two:
                await two.broadcast("room", "x")
            await until(lambda: ref.heard)
            assert "pubsub.down" not in dict(events)

    with redis_server("--user", *user) as server:
        server.start()
        in_loop(body())


def test_over_tls_the_certificate_is_checked(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", "127.0.0.1")
    port = free_port()
    files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"]
    command = [needed("redis-server"), "--port", "0", "--tls-port", str(port), "--save", ""]
    command += ["--bind", "127.0.0.1", "--tls-ca-cert-file", authority.path, *files]
    with Broker(command, port, f"rediss://127.0.0.1:{port}") as server:
        server.start()
        url = f"{server.url}?ssl_ca_certs={authority.path}"
        in_loop(carries(url))
        with pytest.raises(BackendDown, match="certificate"):
            in_loop(carries(server.url))
        in_loop(ends_beside_a_stopped(server, url), 20)


def test_sentinels_name_the_master_and_the_next_one_after_it(tmp_path):
    with redis_server() as first, redis_server() as second:
        first.start()
        second.start()
        port = free_port()
        config = tmp_path / "sentinel.conf"

        def watch(server):
            config.write_text(
                f"port {port}\nbind 127.0.0.1\nsentinel monitor it 127.0.0.1 {server.port} 1\n"
            )

        watch(first)
        command = [needed("redis-server"), str(config), "--sentinel"]
        url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{port}/it"
        with Broker(command, port, url) as sentinel:
            sentinel.start()

            async def body():
                async with PubSub(url) as one, PubSub(url) as two:
                    ref = Ref()
                    await one.subscribe("room", ref)
                    sentinel.kill()
                    watch(second)
                    sentinel.start()
                    first.kill()
                    while not ref.heard:
                        two.broadcast_soon("room", "over the second")
                        await asyncio.sleep(0.02)

            in_loop(body())
