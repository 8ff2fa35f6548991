"""A server inside an event loop, asked by clients that are not ours; on both reactors and loops."""

from __future__ import annotations

import asyncio
import json
import socket

import aiohttp
import pytest
import websockets

import sock
from sock import BinarySock, CloseCode, Options, Remote, Response, Shutdown, Sock, Stop
from sock.server import Server

pytestmark = pytest.mark.usefixtures("reactor_kind", "loop_kind")


class Echo(Sock):
    def handle_in(self, message):
        return message


def app(request):
    if request.path == "/echo":
        return Echo(request)
    return Response(200, json.dumps({"path": request.path, "query": request.query.pairs()}))


def test_websockets_talks_to_it(run_async):
    async def act():
        async with sock.serve(app) as server:
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/echo") as client:
                for message in ("text", b"binary", "", "x" * 100_000):
                    await client.send(message)
                    assert await client.recv() == message
                assert server.connections == 1
            await server.wait_empty()
            assert server.connections == 0

    run_async(act())


def test_aiohttp_talks_to_it(run_async):
    async def act():
        async with sock.serve(app) as server, aiohttp.ClientSession() as session:
            for path in ("/", "/a%20b?x=1&x=2"):
                async with session.get(server.url + path) as answer:
                    assert answer.status == 200
                    told = json.loads(await answer.text())
            assert told == {"path": "/a b", "query": [["x", "1"], ["x", "2"]]}
            async with session.post(server.url, data=b"x" * 50_000) as answer:
                assert answer.status == 200
            async with session.ws_connect(f"{server.url}/echo") as client:
                await client.send_str("hello")
                assert (await client.receive()).data == "hello"

    run_async(act())


def test_compression_is_agreed_on_with_a_client_that_offers_it(run_async):
    async def act():
        async with sock.serve(app, options=Options(compression=True)) as server:
            url = f"ws://127.0.0.1:{server.port}/echo"
            async with websockets.connect(url, compression="deflate") as client:
                assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
                for message in ("a" * 5000, "b", "c" * 2000):
                    await client.send(message)
                    assert await client.recv() == message

    run_async(act())


def test_a_hundred_connections_at_once(run_async):
    async def talk(server, number):
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/echo") as client:
            await client.send(str(number))
            return await client.recv()

    async def act():
        async with sock.serve(app) as server:
            got = await asyncio.gather(*(talk(server, number) for number in range(100)))
            assert got == [str(number) for number in range(100)]

    run_async(act())


def test_a_handler_that_raises_touches_no_other_connection(run_async):
    class Fails(Sock):
        def handle_in(self, message):
            if message == "fail":
                raise RuntimeError("on purpose")
            return message

    async def act():
        async with sock.serve(Fails) as server:
            url = f"ws://127.0.0.1:{server.port}/"
            async with websockets.connect(url) as bad, websockets.connect(url) as good:
                await bad.send("fail")
                with pytest.raises(websockets.ConnectionClosedError) as closed:
                    await bad.recv()
                assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "")
                await good.send("still here")
                assert await good.recv() == "still here"

    run_async(act())


def test_it_closes_as_the_handler_says(run_async):
    class Stops(Sock):
        def handle_in(self, message):
            return Stop(CloseCode.POLICY_VIOLATION, "no", messages="last words")

    async def act():
        async with (
            sock.serve(Stops) as server,
            websockets.connect(f"ws://127.0.0.1:{server.port}/") as client,
        ):
            await client.send("x")
            assert await client.recv() == "last words"
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "no")

    run_async(act())


def test_text_to_a_binary_sock_closes_with_1003(run_async):
    async def act():
        async with (
            sock.serve(BinarySock) as server,
            websockets.connect(f"ws://127.0.0.1:{server.port}/") as client,
        ):
            await client.send("text")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1003

    run_async(act())


def test_terminate_is_told_why(run_async):
    reasons = []

    class Notes(Sock):
        def terminate(self, reason):
            reasons.append(reason)

    async def act():
        async with sock.serve(Notes) as server:
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/") as client:
                await client.close(4000, "bye")
            await server.wait_empty()
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/") as client:
                await client.send("x")  # so that the server is known to have begun it
                client.transport.abort()
            await server.wait_empty()
            client = await websockets.connect(f"ws://127.0.0.1:{server.port}/")
        assert reasons[0] == Remote(4000, "bye")
        assert reasons[2] == Shutdown()

    run_async(act())


def test_the_url_names_host_and_port(run_async):
    async def act():
        for host, shown in (
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
            ("", "0.0.0.0"),
        ):
            async with sock.serve(app, host=host) as server:
                assert isinstance(server, Server)
                assert server.port > 0
                assert server.host in {shown, "::"}
                assert server.url.endswith(f":{server.port}")

    run_async(act())


def test_ipv6_is_served_and_shown_in_brackets(run_async, ipv6):
    async def act():
        async with sock.serve(app, host="::1") as server:
            assert server.url == f"http://[::1]:{server.port}"
            async with websockets.connect(f"ws://[::1]:{server.port}/echo") as client:
                await client.send("six")
                assert await client.recv() == "six"

    run_async(act())


@pytest.mark.usefixtures("reactor_kind")
def test_sockets_that_somebody_else_has_bound_are_served(run_async, events, tmp_path):
    first, second = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "here"))
    unix.listen()
    ports = [one.getsockname()[1] for one in (first, second)]

    async def act():
        async with sock.serve(app, sockets=[first, second, unix]) as server:
            assert server.urls == (
                *(f"http://127.0.0.1:{port}" for port in ports),
                f"unix:{tmp_path / 'here'}",
            )
            assert (server.url, server.port) == (server.urls[0], ports[0])
            for port in ports:
                async with websockets.connect(f"ws://127.0.0.1:{port}/echo") as client:
                    await client.send("x")
                    assert await client.recv() == "x"
            async with websockets.unix_connect(str(tmp_path / "here"), "ws://a/echo") as client:
                await client.send("x")
                assert await client.recv() == "x"
        assert [one.fileno() for one in (first, second, unix)] == [-1] * 3
        assert [fields for name, fields in events if name == "server.started"] == [
            {"urls": server.urls}
        ]

    run_async(act())


def test_several_addresses_are_bound_and_the_file_of_a_unix_socket_goes(run_async, tmp_path):
    path = tmp_path / "here"
    seen = []

    class Told(Sock):
        def init(self, ref):
            seen.append(ref.request.client)

    async def act():
        both = ["127.0.0.1:0", f"unix:{path},mode=600"]
        async with sock.serve(Told, bind=both) as server:
            assert server.urls == (f"http://127.0.0.1:{server.port}", f"unix:{path}")
            async with (
                websockets.connect(f"ws://127.0.0.1:{server.port}/"),
                websockets.unix_connect(str(path), "ws://a/"),
            ):
                pass
        assert not path.exists()

    run_async(act())
    assert max(seen, key=str) is None  # a peer on a Unix socket has no address
    assert min(seen, key=str)[0] == "127.0.0.1"


def test_an_address_that_is_none_is_refused_and_shown(run_async):
    async def act():
        with pytest.raises(ValueError, match="bind '8000': an address is HOST:PORT"):
            async with sock.serve(app, bind="8000"):
                pass

    run_async(act())


class Whose(Sock):
    def init(self, ref):
        request = ref.request
        return f"{request.client[0] if request.client else None} {request.scheme}"


FORWARDED = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}


def test_a_trusted_proxy_names_client_scheme_and_host(run_async):
    async def act():
        async with sock.serve(Whose) as server:
            url = f"ws://127.0.0.1:{server.port}/"
            named = FORWARDED | {"X-Forwarded-Host": "example.com", "X-Spare": "1"}
            async with websockets.connect(
                url, origin="https://example.com", additional_headers=named
            ) as client:
                assert await client.recv() == "203.0.113.7 https"
            standard = {"Forwarded": 'for="[2001:db8::7]";proto=https'}
            async with websockets.connect(url, additional_headers=standard) as client:
                assert await client.recv() == "2001:db8::7 https"
            async with websockets.connect(url) as client:
                assert await client.recv() == "127.0.0.1 http"

    run_async(act())


@pytest.mark.parametrize("trusted", ["10.0.0.0/8", ""])
def test_from_anybody_else_forwarded_fields_are_ignored(run_async, events, trusted):
    async def act():
        async with sock.serve(Whose, forwarded_allow_ips=trusted) as server:
            url = f"ws://127.0.0.1:{server.port}/"
            async with websockets.connect(url, additional_headers=FORWARDED) as client:
                assert await client.recv() == "127.0.0.1 http"
            named = {"X-Forwarded-Host": "example.com"}
            with pytest.raises(websockets.InvalidStatus):
                await websockets.connect(
                    url, origin="https://example.com", additional_headers=named
                )

    run_async(act())
    told = [fields for name, fields in events if name == "forwarded.ignored"]
    kinds = [list(map(str.lower, FORWARDED)), ["x-forwarded-host"]]  # of each request
    assert [sorted(one["fields"]) for one in told] == (list(map(sorted, kinds)) if trusted else [])
    assert [(one["client"][0], one["trusted"]) for one in told] == [("127.0.0.1", False)] * len(
        told
    )


def test_fields_of_a_proxy_that_contradict_each_other_are_told(run_async, events):
    async def act():
        async with sock.serve(Whose) as server:
            both = {"Forwarded": "for=198.51.100.1", "X-Forwarded-For": "203.0.113.7"}
            url = f"ws://127.0.0.1:{server.port}/"
            async with websockets.connect(url, additional_headers=both) as client:
                assert await client.recv() == "127.0.0.1 http"

    run_async(act())
    [told] = [fields for name, fields in events if name == "forwarded.ignored"]
    assert told["fields"] == ["forwarded", "x-forwarded-for"]
    assert told["trusted"] is True


def test_a_peer_on_a_unix_socket_may_be_a_proxy(run_async, tmp_path):
    path = str(tmp_path / "here")

    async def said(**options):
        async with (
            sock.serve(Whose, bind=f"unix:{path}", **options),
            websockets.unix_connect(path, "ws://a/", additional_headers=FORWARDED) as client,
        ):
            return await client.recv()

    async def act():
        assert await said() == "203.0.113.7 https"
        assert await said(forwarded_allow_ips="127.0.0.1") == "None http"

    run_async(act())


def test_the_path_under_which_a_proxy_shows_it_is_told(run_async):
    def told(request):
        return Response(200, f"{request.root_path} {request.path}")

    async def act():
        async with (
            sock.serve(told, root_path="/chat/") as server,
            aiohttp.ClientSession() as session,
            session.get(f"{server.url}/rooms") as answer,
        ):
            assert await answer.text() == "/chat /rooms"

    run_async(act())


@pytest.mark.parametrize("wrong", [{"root_path": "chat"}, {"forwarded_allow_ips": "proxy"}])
def test_what_is_said_of_proxies_is_checked_before_anything_starts(run_async, wrong):
    async def act():
        with pytest.raises(ValueError, match=r"begins with '/'|is no address"):
            async with sock.serve(app, **wrong):
                pass

    run_async(act())


def test_a_socket_that_does_not_listen_is_refused(run_async):
    async def act():
        with socket.socket() as unbound, pytest.raises(ValueError, match="listens already"):
            async with sock.serve(app, sockets=[unbound]):
                pass

    run_async(act())


def test_two_servers_share_a_loop(run_async):
    async def act():
        async with sock.serve(app) as one, sock.serve(Echo) as two:
            for server in (one, two):
                async with websockets.connect(f"ws://127.0.0.1:{server.port}/echo") as client:
                    await client.send("x")
                    assert await client.recv() == "x"

    run_async(act())


def test_leaving_drains_even_when_the_body_raises(run_async):
    async def act():
        with pytest.raises(RuntimeError, match="on purpose"):
            async with sock.serve(app) as server:
                client = await websockets.connect(f"ws://127.0.0.1:{server.port}/echo")
                raise RuntimeError("on purpose")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 1012
        assert server.connections == 0

    run_async(act())


def test_a_loop_in_debug_mode_makes_a_server_in_debug_mode(run_async):
    async def act():
        loop = asyncio.get_running_loop()
        for debug in (False, True):
            loop.set_debug(debug)
            async with sock.serve(app) as server:
                assert server.debug is debug
        async with sock.serve(app, debug=False) as server:
            assert not server.debug

    run_async(act())
