"""uvicorn with our protocol in it: its socket is taken over, its other applications are its own."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys

import pytest
import websockets

import sock
from sock import Options
from sock.adapters.asgi import drain, upgrade
from sock.testing import contract
from sock.testing.client import Client

pytest.importorskip("uvicorn")
from tests.adapters.uvicorn.applications import Echo, asking, in_a_route, upgraded
from tests.live_bridge import until


@pytest.mark.one_form
@pytest.mark.timeout(170)
@pytest.mark.parametrize(
    ("loop_kind", "http"), [("asyncio", "h11"), ("uvloop", "httptools")], indirect=["loop_kind"]
)
def test_all_of_the_contract_holds(
    run_async, uvicorn_serving, prove, reactor_kind, loop_kind, http
):
    async def act():
        application = sock.asgi(contract.app)
        async with uvicorn_serving(application, http=http) as host:
            assert len(await prove(host.port, limits=["heads"], drain=host.stop)) == 3

    run_async(act())


def test_what_a_route_raises_behind_its_sock_is_logged_and_nothing_else(
    run_async, uvicorn_serving, reactor_kind, caplog
):
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
            await until(lambda: not host.server.server_state.connections)
            answer.set()
            await host.stop()

    Echo.reasons.clear()
    run_async(act())
    assert Echo.reasons == []


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


def test_uvicorn_without_websockets_of_its_own_is_told_in_one_line():
    program = (
        "import sys; sys.modules['websockets'] = sys.modules['wsproto'] = None;"
        " import sock.adapters.uvicorn"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "pip install 'sockpy[uvicorn]'" in ended.stderr.splitlines()[-1]


def adds(*header):
    """Return a middleware that adds a header to what is accepted."""

    def around(app):
        async def application(scope, receive, send):
            async def adding(event):
                if event["type"] == "websocket.accept":
                    event = {**event, "headers": [*event["headers"], header]}
                await send(event)

            await app(scope, receive, adding)

        return application

    return around


async def answer(port):
    """Return the status that an upgrade is answered with, when it was answered in full."""
    reader, writer = await asking(port)
    said = await reader.read()
    writer.close()
    return int(said.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "name", [b"connection", b"Content-Length", b"upgrade", b"sec-websocket-accept"]
)
def test_what_a_middleware_adds_of_the_hosts_own_headers_is_not_said(
    run_async, uvicorn_serving, reactor_kind, name
):
    app = in_a_route(upgraded, adds(name, b"0"), adds(b"x-ok", b"1"))

    async def act():
        async with (
            uvicorn_serving(app) as host,
            websockets.connect(f"ws://127.0.0.1:{host.port}/") as client,
        ):
            assert client.response.headers["X-Ok"] == "1"
            await client.send("hi")
            assert await client.recv() == "hi"

    run_async(act())


def test_what_a_middleware_adds_and_cannot_be_said_is_a_500_and_logged_once(
    run_async, uvicorn_serving, caplog
):
    app = in_a_route(upgraded, adds(b"x-bad", b"a\r\nb"))

    async def act():
        async with uvicorn_serving(app) as host:
            assert await answer(host.port) == 500

    with caplog.at_level(logging.ERROR):
        run_async(act())
    (record,) = caplog.records
    assert record.exc_info[0] is ValueError


def test_a_drain_that_begins_while_it_is_accepted_is_a_503(run_async, uvicorn_serving, caplog):
    busy, go, draining = asyncio.Event(), asyncio.Event(), []

    class Busy(Echo):
        async def handle_in(self, message):
            busy.set()
            await go.wait()

    async def drains(scope, receive, send):
        async def sending(event):
            if busy.is_set():
                draining.append(asyncio.ensure_future(drain()))
                await asyncio.sleep(0)
            await send(event)

        await sock.asgi(Busy)(scope, receive, sending)

    async def act():
        async with (
            uvicorn_serving(drains, lifespan="off") as host,
            websockets.connect(f"ws://127.0.0.1:{host.port}/") as client,
        ):
            await client.send("hold")
            await busy.wait()
            assert await answer(host.port) == 503
            go.set()
            await draining[0]

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""


def test_a_close_behind_a_sock_is_no_news(run_async, uvicorn_serving, caplog):
    async def closes(websocket):
        await upgraded(websocket)
        await websocket.close()

    async def act():
        async with uvicorn_serving(in_a_route(closes)) as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""


@pytest.mark.parametrize("release", [False, True])
def test_a_route_of_quart_ends_without_news_and_its_sock_lives_as_long_as_it_says(
    run_async, uvicorn_serving, caplog, release
):
    quart = pytest.importorskip("quart")
    app = quart.Quart(__name__)

    @app.websocket("/")
    async def room():
        await upgrade(quart.websocket, Echo(None), release=release)

    async def act():
        async with uvicorn_serving(app) as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                for _ in range(3):
                    await client.send("hi")
                    assert await client.recv() == "hi"

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""


def test_an_application_that_waits_before_it_accepts_is_told_that_the_peer_has_gone(
    run_async, uvicorn_serving
):
    asked, told = asyncio.Event(), asyncio.Queue()

    async def waits(scope, receive, send):
        await receive()
        asked.set()
        told.put_nowait(await receive())

    async def act():
        async with uvicorn_serving(waits, lifespan="off") as host:
            _, writer = await asking(host.port)
            await asked.wait()
            writer.close()
            assert (await told.get())["code"] == 1006

    run_async(act())


@pytest.mark.parametrize("size", [10, 1_000_000])
@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
def test_what_comes_before_the_answer_is_kept_however_much_it_is(
    run_async, uvicorn_serving, reactor_kind, loop_kind, size
):
    accepting = asyncio.Event()

    async def slow(request):
        await accepting.wait()
        return Echo(request)

    async def act():
        application = sock.asgi(slow, options=Options(max_message_size=size))
        async with uvicorn_serving(application) as host:
            url = f"ws://127.0.0.1:{host.port}/"
            connecting = asyncio.ensure_future(Client.connect(url, early=("x" * size,)))
            await asyncio.wait({connecting}, timeout=0.2)
            accepting.set()
            async with await connecting as client:
                assert await client.receive() == "x" * size

    run_async(act())


def test_behind_the_end_an_application_is_told_the_code_of_the_peer(run_async, uvicorn_serving):
    told = asyncio.Queue()

    async def asks_on(websocket):
        await upgraded(websocket)
        told.put_nowait(await websocket.receive())

    async def act():
        async with uvicorn_serving(in_a_route(asks_on)) as host:
            client = await websockets.connect(f"ws://127.0.0.1:{host.port}/")
            await client.close(4007, "later")
            assert await told.get() == {
                "type": "websocket.disconnect",
                "code": 4007,
                "reason": "later",
            }

    run_async(act())


def test_the_headers_that_uvicorn_adds_are_on_the_101(run_async, uvicorn_serving):
    async def act():
        async with (
            uvicorn_serving(sock.asgi(Echo), headers=[("X-Kind", "all")]) as host,
            websockets.connect(f"ws://127.0.0.1:{host.port}/") as client,
        ):
            assert client.response.headers["X-Kind"] == "all"
            assert client.response.headers["Server"] == "uvicorn"
            assert "Date" in client.response.headers

    run_async(act())


def test_an_acceptance_has_uvicorns_line_in_the_log(run_async, uvicorn_serving, caplog):
    async def act():
        async with uvicorn_serving(sock.asgi(Echo)) as host:
            with caplog.at_level(logging.INFO, "uvicorn.error"):
                async with websockets.connect(f"ws://127.0.0.1:{host.port}/a%20b?c=d") as client:
                    port = client.local_address[1]
        line = f'127.0.0.1:{port} - "WebSocket /a%20b?c=***" [accepted]'
        assert line in [record.getMessage() for record in caplog.records]

    run_async(act())
