"""The server over TLS, with real clients, on both reactors and both event loops."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl

import pytest
import websockets

import sock
from sock import TLS, Options, Response, Sock
from tests.authority import authority as authority
from tests.authority import localhost as localhost

pytestmark = pytest.mark.usefixtures("reactor_kind")


class Echo(Sock):
    def handle_in(self, message):
        return message


class Once(Sock):
    """Says what TLS it has got, and ends."""

    def init(self, ref):
        tls = ref.request.tls
        return sock.Stop(messages=[f"{ref.request.scheme} {tls.version} {tls.server_name}"])


def connecting(server, context, **options):
    return websockets.connect(
        f"wss://localhost:{server.port}/", ssl=context, proxy=None, max_size=None, **options
    )


async def raw(server, context=None):
    return await asyncio.open_connection(
        "127.0.0.1",
        server.port,
        ssl=context,
        server_hostname=None if context is None else "localhost",
    )


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


def test_messages_of_all_sizes_go_both_ways(run_async, loop_kind, localhost, authority):
    async def act():
        async with (
            sock.serve(Echo, tls=TLS(*localhost)) as server,
            connecting(server, authority.client()) as client,
        ):
            assert server.url == f"https://127.0.0.1:{server.port}"
            for message in ("", "hello", b"\0" * 200, "x" * 16384, b"y" * 1_000_000):
                await client.send(message)
                assert await client.recv() == message
            await client.close(4000, "enough")
            assert client.close_code == 4000

    run_async(act())


def test_many_messages_in_flight_come_back_in_order(run_async, localhost, authority):
    async def act():
        async with (
            sock.serve(Echo, tls=TLS(*localhost)) as server,
            connecting(server, authority.client()) as client,
        ):
            sent = [f"{number}" * (number % 200) for number in range(2000)]
            sending = asyncio.create_task(send_all(client, sent))
            assert [await client.recv() for _ in sent] == sent
            await sending

    async def send_all(client, messages):
        for message in messages:
            await client.send(message)

    run_async(act())


def test_a_peer_that_lags_is_waited_for(run_async, localhost, authority):
    class Pours(Sock):
        def handle_in(self, message):
            return [bytes(65536)] * 200

    async def act():
        async with (
            sock.serve(
                Pours, tls=TLS(*localhost), options=Options(max_send_buffer=16 * 2**20)
            ) as server,
            connecting(server, authority.client()) as client,
        ):
            await client.send("go")
            await asyncio.sleep(0.2)
            assert sum([len(await client.recv()) for _ in range(200)]) == 200 * 65536

    run_async(act())


def test_an_application_sees_what_was_agreed(run_async, localhost, authority):
    async def act():
        async with (
            sock.serve(Once, tls=TLS(*localhost)) as server,
            connecting(server, authority.client()) as client,
        ):
            assert await client.recv() == "https TLSv1.3 localhost"
            old = authority.client()
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            async with connecting(server, old) as old_client:
                assert await old_client.recv() == "https TLSv1.2 localhost"

    run_async(act())


def test_without_tls_there_is_nothing_to_see(run_async):
    async def act():
        seen = []

        def app(request):
            seen.append((request.tls, request.scheme))
            return Response(204)

        async with sock.serve(app) as server:
            reader, writer = await raw(server)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 204 ")
            writer.close()
        assert seen == [(None, "http")]

    run_async(act())


@pytest.mark.parametrize("wanted", ["required", "optional"])
def test_a_client_shows_its_certificate(run_async, localhost, authority, wanted):
    class Who(Sock):
        def init(self, ref):
            certificate = ref.request.tls.certificate
            name = certificate and dict(one[0] for one in certificate["subject"])["commonName"]
            return sock.Stop(messages=[f"{name} {ref.request.tls.certificate_der is not None}"])

    async def act():
        tls = TLS(*localhost, client_ca=authority.path, client_certificate=wanted)
        async with sock.serve(Who, tls=tls) as server:
            with_one = authority.client(authority.issue("ada"))
            async with connecting(server, with_one) as client:
                assert await client.recv() == "ada True"
            if wanted == "optional":
                async with connecting(server, authority.client()) as client:
                    assert await client.recv() == "None False"
            else:
                with pytest.raises((ssl.SSLError, OSError, websockets.InvalidMessage)):
                    async with connecting(server, authority.client()):
                        pass

    run_async(act())


def test_plain_http_is_answered_with_400_in_plain_text(run_async, localhost, events):
    async def act():
        async with sock.serve(Echo, tls=TLS(*localhost)) as server:
            reader, writer = await raw(server)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = await reader.read()
            writer.close()
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"\r\nContent-Type: text/plain" in answer
        assert answer.endswith(
            b"this port speaks TLS only: the address begins with https:// or wss://\n"
        )
        details = [fields["detail"] for name, fields in events if name == "tls.failed"]
        assert details == ["it does not speak TLS"]

    run_async(act())


def test_tls_on_a_plain_port_is_refused_and_told_once(run_async, authority, events):
    async def act():
        async with sock.serve(Echo) as server:
            with pytest.raises(ssl.SSLError):
                await raw(server, authority.client())
        refused = [fields for name, fields in events if name == "request.refused"]
        assert [one["detail"] for one in refused] == [
            "the peer speaks TLS, and this port speaks plain HTTP (RFC 9112 §3)"
        ]
        assert [one["client"] for name, one in events if name == "tls.unexpected"] == [
            refused[0]["client"]
        ]

    run_async(act())


def test_a_hello_byte_by_byte_completes_the_handshake(run_async, localhost, authority):
    async def act():
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        peer = authority.client().wrap_bio(incoming, outgoing, server_hostname="localhost")
        async with sock.serve(lambda request: Response(200, "ok"), tls=TLS(*localhost)) as server:
            reader, writer = await raw(server)

            async def send():
                for byte in outgoing.read():
                    writer.write(bytes([byte]))
                    await writer.drain()

            while True:
                try:
                    peer.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await send()
                    incoming.write(await reader.read(65536))
            peer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            await send()
            answer = b""
            while not answer.endswith(b"ok"):
                incoming.write(await reader.read(65536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    answer += peer.read(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
            writer.close()

    run_async(act())


@pytest.mark.parametrize(
    "begun", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "in the middle"]
)
def test_a_peer_that_stops_in_the_handshake_is_cut_in_time_and_told_once(
    run_async, localhost, events, begun
):
    async def act():
        options = Options(handshake_timeout=0.3)
        async with sock.serve(Echo, tls=TLS(*localhost), options=options) as server:
            reader, writer = await raw(server)
            writer.write(begun)
            assert await reader.read() == b""
            await until(lambda: not server.http_connections)
            writer.close()

    run_async(act())
    details = [fields["detail"] for name, fields in events if name == "tls.failed"]
    assert details == (["it was closed in the middle of the handshake"] if begun else [])


def test_a_peer_that_leaves_in_the_handshake_is_told_once(run_async, localhost, events):
    async def act():
        async with sock.serve(Echo, tls=TLS(*localhost)) as server:
            reader, writer = await raw(server)
            writer.write(b"\x16\x03\x01\x02\x00\x01")
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()

    run_async(act())
    details = [fields["detail"] for name, fields in events if name == "tls.failed"]
    assert details == ["the peer left in the middle of the handshake"]


def test_a_request_that_stops_behind_the_handshake_is_answered_with_408(
    run_async, localhost, authority
):
    async def act():
        options = Options(handshake_timeout=0.5)
        async with sock.serve(Echo, tls=TLS(*localhost), options=options) as server:
            reader, writer = await raw(server, authority.client())
            writer.write(b"GET / HT")
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
            writer.close()

    run_async(act())


def test_a_peer_that_drops_tcp_without_a_word_is_lost(run_async, localhost, authority):
    reasons = []

    class Tells(Sock):
        def terminate(self, reason):
            reasons.append(reason)

    async def act():
        async with sock.serve(Tells, tls=TLS(*localhost)) as server:
            for end in ("abort", "fin"):
                client = await connecting(server, authority.client())
                transport = client.transport
                if end == "abort":
                    transport.abort()
                else:
                    transport.get_extra_info("socket").shutdown(1)
                await until(lambda: not server.connections)
                transport.abort()
        assert reasons == [sock.Remote(1006), sock.Remote(1006)]

    run_async(act())


def test_a_drain_closes_live_connections_with_1012_and_their_tls(run_async, localhost, authority):
    async def act():
        async with sock.serve(Echo, tls=TLS(*localhost)) as server:
            client = await connecting(server, authority.client())
            silent = await raw(server)
            await until(lambda: server.http_connections)
        await client.wait_closed()
        assert client.close_code == 1012
        assert await silent[0].read() == b""
        silent[1].close()

    run_async(act())


def test_sessions_are_resumed_by_tickets(run_async, localhost, authority):
    async def act():
        async with sock.serve(lambda request: Response(200), tls=TLS(*localhost)) as server:
            resumed = await asyncio.to_thread(visit_twice, server.port)
        assert resumed == [False, True]

    def visit_twice(port):
        import socket

        context, session, seen = authority.client(), None, []
        for _ in range(2):
            with (
                socket.create_connection(("127.0.0.1", port)) as tcp,
                context.wrap_socket(tcp, server_hostname="localhost", session=session) as client,
            ):
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                while client.recv(65536):
                    pass
                seen.append(client.session_reused)
                session = client.session
        return seen

    run_async(act())


def test_certificates_are_renewed_under_live_connections(run_async, authority, tmp_path):
    certificate, key = tmp_path / "chain.pem", tmp_path / "chain.key"

    def put(serial):
        made = authority.issue(f"renewed-{serial}", "localhost")
        certificate.write_bytes(made[0].read_bytes())
        key.write_bytes(made[1].read_bytes())

    def shown(client):
        found = client.transport.get_extra_info("ssl_object").getpeercert()
        return dict(one[0] for one in found["subject"])["commonName"]

    async def act():
        put(1)
        async with sock.serve(Echo, tls=TLS(certificate, key)) as server:
            async with connecting(server, authority.client()) as before:
                put(2)
                server.reload_certificates()
                async with connecting(server, authority.client()) as after:
                    assert (shown(before), shown(after)) == ("renewed-1", "renewed-2")
                    key.write_bytes(b"")
                    with pytest.raises(sock.server.TLSError):
                        server.reload_certificates()
                    for client in (before, after, await connecting(server, authority.client())):
                        await client.send("still here")
                        assert await client.recv() == "still here"

    run_async(act())


def test_a_storm_of_handshakes_leaves_live_connections_their_turns(run_async, localhost, authority):
    async def act():
        async with (
            sock.serve(Echo, tls=TLS(*localhost)) as server,
            connecting(server, authority.client()) as client,
        ):
            hellos = []
            for _ in range(300):
                out = ssl.MemoryBIO()
                peer = authority_client.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
                with contextlib.suppress(ssl.SSLWantReadError):
                    peer.do_handshake()
                hellos.append(out.read())
            storm = [await raw(server) for _ in hellos]
            for (_, writer), hello in zip(storm, hellos, strict=True):
                writer.write(hello)
            answered = [asyncio.create_task(reader.read(1)) for reader, _ in storm]
            done_before = 0
            while True:
                await client.send("turn")
                assert await client.recv() == "turn"
                done_before += 1
                if all(task.done() for task in answered):
                    break
            # Without the queue, all three hundred are answered before the first message.
            assert done_before > 10
            for _, writer in storm:
                writer.transport.abort()

    authority_client = authority.client()
    run_async(act())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3", "-tls1_1"])
def test_openssl_s_client_talks_http(run_async, localhost, authority, version):
    async def act():
        async with sock.serve(lambda request: Response(200, "ok"), tls=TLS(*localhost)) as server:
            process = await asyncio.create_subprocess_exec(
                *("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", version),
                *("-servername", "localhost", "-alpn", "h2,http/1.1", "-ign_eof"),
                *("-CAfile", str(authority.path), "-verify_return_error"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            out, _ = await process.communicate(
                b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
        if version == "-tls1_1":
            assert b"HTTP/1.1" not in out.replace(b"ALPN protocol: http/1.1", b"")
        else:
            assert b"ALPN protocol: http/1.1" in out
            assert b"Verify return code: 0 (ok)" in out
            assert b"HTTP/1.1 200 OK" in out

    run_async(act())
