"""Publishing to Redis without an event loop."""

import asyncio

import pytest

from sock.pubsub import BackendDown, PubSub, publish
from tests.authority import Authority
from tests.broker import Broker, free_port, redis_server
from tests.needed import needed
from tests.pubsub.listening import Ref, in_loop, until

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


def carries(url):
    async def body():
        async with PubSub(url, require=True) as rooms:
            ref = Ref()
            await rooms.subscribe("room", ref)
            await asyncio.to_thread(publish, url, "room", "hello")
            await until(lambda: ref.heard)
            assert ref.heard == ["hello"]

    in_loop(body())


def test_over_tls_with_an_account_and_a_database(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", "127.0.0.1")
    port = free_port()
    files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"]
    command = [needed("redis-server"), "--port", "0", "--tls-port", str(port), "--save", ""]
    command += ["--bind", "127.0.0.1", "--tls-ca-cert-file", authority.path, *files]
    url = f"rediss://:pw@127.0.0.1:{port}/3?ssl_ca_certs={authority.path}"
    with Broker([*command, "--requirepass", "pw"], port, url) as server:
        server.start()
        carries(url)


def test_the_master_is_asked_of_the_sentinels(tmp_path):
    with redis_server("--requirepass", "pw") as master:
        master.start()
        port = free_port()
        config = tmp_path / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\nsentinel monitor it 127.0.0.1 {master.port} 1\n"
            "sentinel auth-pass it pw\nrequirepass other\n"
        )
        command = [needed("redis-server"), str(config), "--sentinel"]
        url = f"redis+sentinel://:pw@127.0.0.1:{port}/it?sentinel_password=other"
        with Broker(command, port, url) as sentinel:
            sentinel.start()
            carries(url)


def test_the_next_message_goes_over_a_server_that_has_come_back():
    with redis_server() as server:
        server.start()
        publish(server.url, "room", "x")
        server.kill()
        with pytest.raises(BackendDown):
            publish(server.url, "room", "x")
        server.start()
        carries(server.url)
