"""uvicorn with our protocol in it: its socket is taken over, its other applications are its own."""

from __future__ import annotations

import asyncio
import logging

import pytest
import websockets

import sock
from sock import Options, Remote, Shutdown, Sock
from sock.testing import contract
from sock.testing.client import Client

pytest.importorskip("uvicorn")
from sock.adapters import uvicorn as adapter


class Echo(Sock):
    reasons = []

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


async def own(scope, receive, send):
    """An ASGI application that knows nothing of Sock."""
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    match scope["path"]:
        case "/denied":
            await send({"type": "websocket.http.response.start", "status": 418, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"no"})
        case "/raises":
            raise LookupError("before it was accepted")
        case "/returns":
            return
        case _:
            await send({"type": "websocket.accept"})
            while (event := await receive())["type"] == "websocket.receive":
                if event["text"] == "raise":
                    raise LookupError("after it was accepted")
                await send({"type": "websocket.send", "text": event["text"]})


@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
def test_all_of_the_contract_holds(
    run_async, uvicorn_serving, prove, reactor_kind, loop_kind, http
):
    async def act():
        application = sock.asgi(contract.app)
        async with uvicorn_serving(application, http=http) as host:
            assert await prove(host.port, drain=host.stop) == []

    run_async(act())


def test_an_application_that_is_no_sock_has_uvicorns_own_implementation(run_async, uvicorn_serving):
    async def act():
        async with uvicorn_serving(own, lifespan="off") as host:
            url = f"ws://127.0.0.1:{host.port}"
            async with websockets.connect(f"{url}/echo") as client:
                await client.send("hi")
                assert await client.recv() == "hi"
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"{url}/denied")
            assert refused.value.response.status_code == 418
            for path in ("/raises", "/returns"):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(f"{url}{path}")
                assert refused.value.response.status_code == 500

    run_async(act())


def test_what_uvicorns_own_application_raises_is_logged_by_uvicorn(
    run_async, uvicorn_serving, caplog
):
    async def act():
        async with uvicorn_serving(own, lifespan="off") as host:
            client = await websockets.connect(f"ws://127.0.0.1:{host.port}/")
            await client.send("raise")
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()

    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        run_async(act())
    assert "after it was accepted" in caplog.text


def test_what_came_with_the_handshake_of_another_application_is_not_lost_either(
    run_async, uvicorn_serving
):
    async def act():
        async with uvicorn_serving(own, lifespan="off") as host:
            client = await Client.connect(f"ws://127.0.0.1:{host.port}/", early=("early",))
            async with client:
                assert await client.receive() == "early"

    run_async(act())


def test_an_application_may_ask_for_the_next_event_before_it_accepts(run_async, uvicorn_serving):
    async def eager(scope, receive, send):
        await receive()
        following = asyncio.ensure_future(receive())
        await asyncio.sleep(0.01)
        await send({"type": "websocket.accept"})
        event = await following
        await send({"type": "websocket.send", "text": event["text"]})

    async def act():
        async with uvicorn_serving(eager, lifespan="off") as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())


def test_what_a_route_raises_behind_its_sock_is_logged_and_nothing_else(
    run_async, uvicorn_serving, reactor_kind, caplog
):
    from sock.adapters.asgi import upgrade

    starlette = pytest.importorskip("starlette.applications")
    routing = pytest.importorskip("starlette.routing")

    async def room(websocket):
        await upgrade(websocket, Echo(None), release=True)
        raise LookupError("behind the upgrade")

    app = starlette.Starlette(routes=[routing.WebSocketRoute("/", room)])

    async def act():
        async with uvicorn_serving(app) as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        run_async(act())
    assert "behind the upgrade" in caplog.text


def test_without_a_descriptor_left_it_goes_over_uvicorns_transport(
    run_async, uvicorn_serving, monkeypatch
):
    import os

    def dup(descriptor):
        raise OSError(24, "Too many open files")

    async def act():
        async with uvicorn_serving(sock.asgi(Echo)) as host:
            monkeypatch.setattr(os, "dup", dup)
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())


def test_tls_goes_over_uvicorns_transport(run_async, uvicorn_serving, tls):
    async def act():
        application = sock.asgi(Echo)
        async with uvicorn_serving(application, ssl_certfile=str(tls.path)) as host:
            url = f"wss://127.0.0.1:{host.port}/"
            async with websockets.connect(url, ssl=tls.client) as client:
                await client.send("x" * 100_000)
                assert await client.recv() == "x" * 100_000
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())


def test_a_handshake_that_is_none_is_refused_before_anything_is_made(run_async, uvicorn_serving):
    made = []

    def app(request):
        made.append(request)
        return Echo(request)

    async def act():
        async with uvicorn_serving(sock.asgi(app)) as host:
            reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
            writer.write(
                b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert b" 400 " in await reader.readline()
            writer.close()

    run_async(act())
    assert made == []


def test_another_sites_page_is_refused(run_async, uvicorn_serving):
    async def act():
        async with uvicorn_serving(sock.asgi(Echo)) as host:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(
                    f"ws://127.0.0.1:{host.port}/", origin="https://evil.example"
                )
            assert refused.value.response.status_code == 403

    run_async(act())


def test_the_ref_has_the_request_that_the_application_was_asked_with(run_async, uvicorn_serving):
    asked = []

    class Refers(Echo):
        def __init__(self, request):
            asked.append(request)

        def init(self, ref):
            assert ref.request is asked[0]
            return str(ref.request.client[0])

    async def act():
        async with uvicorn_serving(sock.asgi(Refers), forwarded_allow_ips="127.0.0.1") as host:
            headers = {"X-Forwarded-For": "10.1.2.3"}
            url = f"ws://127.0.0.1:{host.port}/"
            async with websockets.connect(url, additional_headers=headers) as client:
                assert await client.recv() == "10.1.2.3"

    run_async(act())


def test_a_stop_says_1012_to_all_and_waits_for_them(run_async, uvicorn_serving):
    Echo.reasons.clear()

    async def act():
        async with uvicorn_serving(sock.asgi(Echo), timeout_graceful_shutdown=5) as host:
            url = f"ws://127.0.0.1:{host.port}/"
            clients = await asyncio.gather(*(websockets.connect(url) for _ in range(20)))
            await host.stop()
            for client in clients:
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await client.recv()
                assert closed.value.rcvd.code == 1012
        assert Echo.reasons == [Shutdown()] * 20

    run_async(act())


def test_a_peer_that_vanishes_while_the_application_thinks_costs_nothing(
    run_async, uvicorn_serving
):
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(request):
        asked.set()
        await answer.wait()
        return Echo(request)

    async def act():
        async with uvicorn_serving(sock.asgi(slow)) as host:
            _, writer = await asyncio.open_connection("127.0.0.1", host.port)
            writer.write(
                b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await asked.wait()
            writer.transport.abort()
            answer.set()
            await host.stop()

    Echo.reasons.clear()
    run_async(act())
    assert Echo.reasons in ([], [Remote(1006)])


def test_the_options_of_the_host_hold_for_its_connections(run_async, uvicorn_serving):
    async def act():
        application = sock.asgi(Echo, options=Options(max_message_size=10))
        async with uvicorn_serving(application) as host:
            client = await websockets.connect(f"ws://127.0.0.1:{host.port}/")
            await client.send("x" * 11)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1009

    run_async(act())


def test_uvicorn_without_websockets_of_its_own_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(adapter, "AutoWebSocketsProtocol", None)
    with pytest.raises(ImportError, match=r"pip install 'sockpy\[uvicorn\]'"):
        adapter.SockProtocol(None, None, {})
