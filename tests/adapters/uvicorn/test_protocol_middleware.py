"""What stands between uvicorn with our protocol and a Sock: frameworks, middleware, settings."""

from __future__ import annotations

import asyncio
import copy
import logging
import os

import pytest
import websockets

import sock
from sock import Refuse, Sock
from sock.adapters.asgi import upgrade

pytest.importorskip("uvicorn")

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
HI = b"\x81\x82\x00\x00\x00\x00hi"
CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"


class Echo(Sock):
    def handle_in(self, message):
        return message


def handshake(*more):
    fields = "".join(f"{one}\r\n" for one in more)
    start = "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return f"{start}{KEY}{fields}\r\n".encode()


async def said(port, request):
    """Send, and return all that is answered, up to the end of TCP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def echo(scope, receive, send):
    """An ASGI application that knows nothing of Sock."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


def starlette_route(route):
    applications = pytest.importorskip("starlette.applications")
    routing = pytest.importorskip("starlette.routing")
    return applications.Starlette(routes=[routing.WebSocketRoute("/", route)])


# --- an acceptance that does not come from the Sock ------------------------------------------


def accepts_first(app):
    async def application(scope, receive, send):
        async def saying(event):
            if event["type"] != "websocket.accept":
                await send(event)

        await send({"type": "websocket.accept"})
        await app(scope, receive, saying)

    return application


def accepts_too(app):
    async def application(scope, receive, send):
        await send({"type": "websocket.accept"})
        await app(scope, receive, send)

    return application


def closes_instead(app):
    async def application(scope, receive, send):
        async def saying(event):
            closing = event["type"] == "websocket.accept"
            await send({"type": "websocket.close"} if closing else event)

        await app(scope, receive, saying)

    return application


def denies_instead(app):
    async def application(scope, receive, send):
        async def saying(event):
            if event["type"] != "websocket.accept":
                await send(event)
                return
            denial = "websocket.http.response"
            await send({"type": f"{denial}.start", "status": 402, "headers": []})
            await send({"type": f"{denial}.body", "body": b"pay"})

        await app(scope, receive, saying)

    return application


AROUND = {accepts_first: 101, accepts_too: 101, closes_instead: 403, denies_instead: 402}


@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize("around", AROUND)
def test_a_route_is_told_at_once_that_its_acceptance_was_not_what_was_sent(
    run_async, uvicorn_serving, around, release
):
    raised = asyncio.Queue()

    async def route(websocket):
        try:
            await upgrade(websocket, Echo(None), release=release)
        except RuntimeError as error:
            raised.put_nowait(str(error))

    async def act():
        app = around(starlette_route(route))
        async with uvicorn_serving(app, lifespan="off") as host:
            answered = await said(host.port, handshake())
            assert answered.startswith(b"HTTP/1.1 %d " % AROUND[around])
            text = await asyncio.wait_for(raised.get(), 5)
            assert ("accepted already" if AROUND[around] == 101 else "refused") in text
            assert host.server.server_state.connections == set()

    run_async(act())


@pytest.mark.parametrize("around", AROUND)
def test_an_application_of_socks_is_told_the_same_and_logged(
    run_async, uvicorn_serving, caplog, around
):
    async def act():
        app = around(sock.asgi(Echo))
        async with uvicorn_serving(app, lifespan="off") as host:
            answered = await said(host.port, handshake())
            assert answered.startswith(b"HTTP/1.1 %d " % AROUND[around])

    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        run_async(act())
    (record,) = caplog.records
    assert record.exc_info[0] is RuntimeError


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
def test_a_route_of_quart_that_has_received_before_it_upgrades_is_told_at_once(
    run_async, uvicorn_serving, ws
):
    quart = pytest.importorskip("quart")
    app = quart.Quart(__name__)
    raised = asyncio.Queue()

    @app.websocket("/")
    async def room():
        assert await quart.websocket.receive() == "hi"
        try:
            await upgrade(quart.websocket, Echo(None))
        except RuntimeError as error:
            raised.put_nowait(str(error))

    async def act():
        async with uvicorn_serving(app, ws=ws) as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.send("hi")
                assert "accepted already" in await asyncio.wait_for(raised.get(), 5)
                with pytest.raises(websockets.ConnectionClosed):
                    await client.recv()

    run_async(act())


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
@pytest.mark.parametrize("framework", ["starlette", "litestar"])
def test_a_route_that_has_accepted_before_it_upgrades_is_told_at_once(
    run_async, uvicorn_serving, framework, ws
):
    raised = asyncio.Queue()

    async def route(socket):
        await socket.accept()
        try:
            await upgrade(socket, Echo(None))
        except RuntimeError as error:
            raised.put_nowait(str(error))

    def app():
        if framework == "starlette":
            return starlette_route(route)
        litestar = pytest.importorskip("litestar")
        handler = litestar.websocket("/")

        async def listed(socket: litestar.WebSocket) -> None:
            await route(socket)

        listed.__annotations__ = {"socket": litestar.WebSocket, "return": None}
        return litestar.Litestar([handler(listed)])

    async def act():
        async with uvicorn_serving(app(), ws=ws, lifespan="off") as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                text = await asyncio.wait_for(raised.get(), 5)
                # Litestar keeps no note of it: it is the server that complains.
                assert "accepted already" in text or "but got 'websocket.accept'" in text
                with pytest.raises(websockets.ConnectionClosed):
                    await client.recv()

    run_async(act())


# --- what middleware says of the request ----------------------------------------------------


def forwards_host(app):
    """A middleware that takes a proxy's word for the host that the page was loaded from."""

    async def application(scope, receive, send):
        kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
        await app({**scope, "headers": [*kept, (b"host", b"public.example")]}, receive, send)

    return application


@pytest.mark.parametrize("kind", ["whole", "route"])
def test_the_origin_is_compared_with_the_host_that_the_application_was_shown(
    run_async, uvicorn_serving, kind
):
    """[S14.2]"""

    async def route(websocket):
        await upgrade(websocket, Echo(None))

    async def act():
        app = forwards_host(sock.asgi(Echo) if kind == "whole" else starlette_route(route))
        async with uvicorn_serving(app, lifespan="off") as host:
            url = f"ws://127.0.0.1:{host.port}/"
            async with websockets.connect(url, origin="https://public.example") as client:
                await client.send("hi")
                assert await client.recv() == "hi"
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(url, origin="http://127.0.0.1")
            assert refused.value.response.status_code == 403

    run_async(act())


@pytest.mark.parametrize("app", [echo, sock.asgi(Echo)], ids=["own", "sock"])
def test_the_line_of_an_acceptance_names_the_client_that_a_trusted_proxy_names(
    run_async, uvicorn_serving, caplog, app
):
    async def act():
        async with uvicorn_serving(app, lifespan="off", forwarded_allow_ips="127.0.0.1") as host:
            headers = {"X-Forwarded-For": "10.1.2.3"}
            with caplog.at_level(logging.INFO, "uvicorn.error"):
                url = f"ws://127.0.0.1:{host.port}/"
                async with websockets.connect(url, additional_headers=headers):
                    pass

    run_async(act())
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if "[accepted]" in line] == [
        '10.1.2.3:0 - "WebSocket /" [accepted]'
    ]


def test_a_scope_may_be_copied_as_deep_as_it_goes(run_async, uvicorn_serving):
    async def copies(scope, receive, send):
        await sock.asgi(Echo)(copy.deepcopy(scope), receive, send)

    async def act():
        async with (
            uvicorn_serving(copies, lifespan="off") as host,
            websockets.connect(f"ws://127.0.0.1:{host.port}/") as client,
        ):
            await client.send("hi")
            assert await client.recv() == "hi"

    run_async(act())


def test_behind_a_unix_socket_the_scope_names_its_path(run_async, uvicorn_serving, tmp_path):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["server"])
        await echo(scope, receive, send)

    path = os.path.relpath(tmp_path / "s")  # a Unix socket's name is short

    async def act():
        async with (
            uvicorn_serving(app, lifespan="off", uds=path),
            websockets.unix_connect(path) as client,
        ):
            await client.send("hi")
            assert await client.recv() == "hi"
        assert seen == [(path, None)]

    run_async(act())


# --- Refuse, wherever it is raised ----------------------------------------------------------


def refusing_in_a_route():
    async def route(websocket):
        raise Refuse(402, "pay first", {"X-Why": "money"})

    return starlette_route(route)


def refusing_in_a_constructor():
    class Refuses(Echo):
        def __init__(self, request):
            raise Refuse(402, "pay first", {"X-Why": "money"})

    async def route(websocket):
        await upgrade(websocket, Refuses(None))

    return starlette_route(route)


def refusing_in_a_dependency():
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    async def user():
        raise Refuse(402, "pay first", {"X-Why": "money"})

    async def route(websocket):
        await upgrade(websocket, Echo(None))

    route.__annotations__ = {"websocket": fastapi.WebSocket}
    app.add_api_websocket_route("/", route, dependencies=[fastapi.Depends(user)])
    return app


def refusing_in_a_middleware():
    async def application(scope, receive, send):
        raise Refuse(402, "pay first", {"X-Why": "money"})

    return application


@pytest.mark.parametrize(
    "refusing",
    [
        refusing_in_a_route,
        refusing_in_a_constructor,
        refusing_in_a_dependency,
        refusing_in_a_middleware,
    ],
)
def test_refuse_is_an_answer_wherever_it_is_raised(run_async, uvicorn_serving, caplog, refusing):
    """[S1.3]"""

    async def act():
        async with uvicorn_serving(refusing(), lifespan="off") as host:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{host.port}/")
            response = refused.value.response
            assert (response.status_code, response.body) == (402, b"pay first")
            assert response.headers["X-Why"] == "money"
            assert host.server.server_state.tasks == set()

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""


# --- uvicorn's own settings and counts ------------------------------------------------------


@pytest.mark.parametrize("kind", ["own", "sock"])
def test_a_connection_counts_once_for_limit_concurrency(run_async, uvicorn_serving, kind):
    async def mixed(scope, receive, send):
        app = sock.asgi(Echo) if kind == "sock" and scope["type"] == "websocket" else echo
        await app(scope, receive, send)

    get = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"

    async def act():
        async with uvicorn_serving(mixed, lifespan="off", limit_concurrency=5) as host:
            url = f"ws://127.0.0.1:{host.port}/"
            held = [await websockets.connect(url) for _ in range(3)]
            assert b" 200 " in (await said(host.port, get))[:13]  # the fourth
            held.append(await websockets.connect(url))
            assert b" 503 " in (await said(host.port, get))[:13]  # the fifth
            for client in held:
                await client.close()

    run_async(act())


# --- what comes with the handshake ----------------------------------------------------------


@pytest.mark.parametrize("app", [echo, sock.asgi(Echo)], ids=["own", "sock"])
@pytest.mark.parametrize("http", ["httptools", "h11", "zttp"])
@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
def test_a_whole_conversation_in_one_packet_is_answered_in_order(
    run_async, uvicorn_serving, loop_kind, caplog, http, app
):
    """[S1.10]"""
    pytest.importorskip(http)

    async def act():
        async with uvicorn_serving(app, http=http, lifespan="off") as host:
            answered = await said(host.port, handshake() + HI + HI + CLOSE)
            assert answered.startswith(b"HTTP/1.1 101 ")
            frames = answered.partition(b"\r\n\r\n")[2]
            if app is echo:  # uvicorn closes TCP with the Close, before its application has said
                assert frames == b"\x88\x02\x03\xe8"
            else:
                assert frames == b"\x81\x02hi\x81\x02hi\x88\x02\x03\xe8"

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""


@pytest.mark.parametrize("http", ["httptools", "h11", "zttp"])
def test_frames_behind_a_head_in_pieces_are_not_lost_wherever_it_was_cut(
    run_async, uvicorn_serving, http
):
    """[S1.10]"""
    pytest.importorskip(http)
    request = handshake("X-Last: a b ")

    async def one(port, cut):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request[:cut])
        await writer.drain()
        await asyncio.sleep(0.05)  # nothing tells when the other end has read it
        writer.write(request[cut:] + HI + CLOSE)
        answered = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answered.partition(b"\r\n\r\n")[2]

    async def act():
        async with uvicorn_serving(sock.asgi(Echo), http=http, lifespan="off") as host:
            cuts = [*range(1, len(request), 7), *range(len(request) - 20, len(request))]
            frames = await asyncio.gather(*(one(host.port, cut) for cut in cuts))
            expected = b"\x81\x02hi\x88\x02\x03\xe8"
            assert {cut: it for cut, it in zip(cuts, frames, strict=True) if it != expected} == {}

    run_async(act())
