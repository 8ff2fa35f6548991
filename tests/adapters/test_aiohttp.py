"""aiohttp: its socket is taken over in a route handler."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import websockets

from sock import Options, Refuse, Response, Sock, Upgrade
from sock.testing import contract

web = pytest.importorskip("aiohttp.web")
from sock.adapters import aiohttp as adapter


class Echo(Sock):
    def handle_in(self, message):
        return message


@contextlib.asynccontextmanager
async def serving(*routes, ssl_context=None, cancelling=False):
    app = web.Application()
    for path, route in routes:
        app.router.add_get(path, route)
    adapter.setup(app)
    runner = web.AppRunner(app, handler_cancellation=cancelling)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)
    await site.start()
    try:
        yield runner, runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
@pytest.mark.parametrize("cancelling", [False, True])
def test_all_of_the_contract_holds(run_async, prove, reactor_kind, loop_kind, cancelling):
    async def act():
        route = adapter.handler(contract.app)
        async with serving(("/{path:.*}", route), cancelling=cancelling) as (runner, port):
            assert await prove(port, drain=runner.cleanup) == []

    run_async(act())


def test_a_route_upgrades_where_the_framework_has_done_its_part(run_async, reactor_kind):
    async def room(request):
        if "name" not in request.query:
            raise web.HTTPUnauthorized
        return await adapter.upgrade(
            request,
            Echo(None),
            Options(max_message_size=10),
            subprotocol="b",
            headers={"X-Room": request.match_info["room"]},
        )

    async def act():
        async with serving(("/rooms/{room}", room)) as (_, port):
            url = f"ws://127.0.0.1:{port}/rooms/red"
            async with websockets.connect(f"{url}?name=ada", subprotocols=["a", "b"]) as client:
                assert client.response.headers["X-Room"] == "red"
                assert client.subprotocol == "b"
                await client.send("hi")
                assert await client.recv() == "hi"
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(url)
            assert refused.value.response.status_code == 401
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"{url}?name=eve", origin="https://evil.example")
            assert refused.value.response.status_code == 403

    run_async(act())


def test_aiohttp_forgets_a_connection_that_has_ended(run_async, reactor_kind):
    async def act():
        async with serving(("/", adapter.handler(Echo))) as (runner, port):
            async with websockets.connect(f"ws://127.0.0.1:{port}/"):
                assert len(runner.server.connections) == 1
            while runner.server.connections:
                await asyncio.sleep(0)

    run_async(act())


def test_tls_goes_over_aiohttps_transport(run_async, tls):
    async def act():
        route = adapter.handler(Echo)
        async with serving(("/", route), ssl_context=tls.server) as (_, port):
            async with websockets.connect(f"wss://127.0.0.1:{port}/", ssl=tls.client) as client:
                await client.send("x" * 100_000)
                assert await client.recv() == "x" * 100_000

    run_async(act())


def test_what_is_no_upgrade_is_answered_in_the_ordinary_way(run_async):
    import aiohttp

    def app(request):
        match request.path:
            case "/text":
                return Response(200, "hello", {"X-Kind": "text"})
            case "/bytes":
                return Response(201, b"\0")
            case "/refused":
                raise Refuse(402, "pay")
            case "/raises":
                raise LookupError
            case "/bad":
                return Upgrade(Echo(request), subprotocol="never-offered")
            case _:
                return Echo(request)

    async def act():
        async with (
            serving(("/only", adapter.handler(Echo)), ("/{path}", adapter.handler(app))) as (
                _,
                port,
            ),
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
        ):
            found = {}
            for path in ("/text", "/bytes", "/refused", "/raises", "/echo", "/only"):
                async with client.get(path) as answer:
                    found[path] = answer.status, await answer.read()
            assert found["/text"] == (200, b"hello")
            assert found["/bytes"] == (201, b"\0")
            assert found["/refused"] == (402, b"pay")
            assert found["/raises"][0] == 500
            assert found["/echo"][0] == found["/only"][0] == 426
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{port}/bad")
            assert refused.value.response.status_code == 500

    run_async(act())


def test_an_object_of_another_framework_is_one_clear_error(run_async):
    async def act():
        with pytest.raises(TypeError, match=r"takes the web\.Request .* not a builtins\.dict"):
            await adapter.upgrade({}, Echo(None))

    run_async(act())


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Where(Sock):
    def init(self, ref):
        return repr((ref.request.client, ref.request.server))


@pytest.mark.parametrize("told", [True, False])
def test_the_client_is_the_one_that_middleware_has_found_out(run_async, told):
    async def room(request):
        request = request.clone(remote="203.0.113.9") if told else request
        return await adapter.upgrade(request, Where(None))

    async def act():
        async with (
            serving(("/", room)) as (_, port),
            websockets.connect(f"ws://127.0.0.1:{port}/") as client,
        ):
            own = client.local_address[:2]
            assert await client.recv() == repr(
                (("203.0.113.9", 0) if told else own, ("127.0.0.1", port))
            )

    run_async(act())


def test_an_upgrade_after_an_answer_has_begun_says_so(run_async, caplog):
    async def late(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"the beginning")
        return await adapter.upgrade(request, Echo(None))

    async def act():
        async with serving(("/", late)) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            said = await reader.read()
            writer.close()
            assert said.startswith(b"HTTP/1.1 200 ")
            assert b"101 Switching" not in said

    run_async(act())
    assert "an answer to this request has begun" in caplog.text


@pytest.mark.parametrize("whole", [False, True])
def test_a_peer_that_leaves_while_the_route_thinks_is_no_error(run_async, caplog, whole):
    caplog.set_level("INFO", "aiohttp.access")

    async def act():
        thinks, done = asyncio.Event(), asyncio.Event()

        async def think(gone):
            thinks.set()
            while not gone():
                await asyncio.sleep(0)

        async def room(request):
            await think(lambda: request.transport is None)
            return await adapter.upgrade(request, Echo(None))

        async def app(request):
            inner = request.state["aiohttp.request"]
            await think(lambda: inner.transport is None)
            return Echo(request)

        route = adapter.handler(app) if whole else room

        async def noted(request):
            try:
                return await route(request)
            finally:
                done.set()

        async with serving(("/", noted)) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            await thinks.wait()
            writer.transport.abort()
            await done.wait()

    run_async(act())
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert '"GET / HTTP/1.1" 499 ' in caplog.text
