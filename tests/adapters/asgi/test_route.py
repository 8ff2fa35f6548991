"""`upgrade` in the routes of frameworks."""

from __future__ import annotations

import asyncio

import pytest
import websockets

import sock
from sock.adapters.asgi import Middleware, upgrade

pytest.importorskip("starlette")
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

CONNECT = {"type": "websocket.connect"}
DENIAL = {"websocket.http.response": {}}


def test_starlettes_test_client_works_against_it(rooms, echo):
    app, _ = rooms(headers={"X-Kind": "chosen"})
    with TestClient(app).websocket_connect("/rooms/7?name=ada") as session:
        session.send_text("hi")
        assert session.receive_text() == "hi"
        session.send_bytes(b"\0")
        assert session.receive_bytes() == b"\0"
        assert (b"x-kind", b"chosen") in session.extra_headers
        session.close(1001)
    assert echo.reasons == [sock.Remote(1001)]
    with pytest.raises(WebSocketDisconnect), TestClient(app).websocket_connect("/rooms/7"):
        pass


def test_httpx_ws_works_against_it(run_async, rooms):
    httpx_ws = pytest.importorskip("httpx_ws")
    import httpx
    from httpx_ws.transport import ASGIWebSocketTransport

    app, _ = rooms()

    async def act():
        async with (
            httpx.AsyncClient(transport=ASGIWebSocketTransport(app)) as client,
            httpx_ws.aconnect_ws("ws://here/rooms/7?name=ada", client) as session,
        ):
            await session.send_text("hi")
            assert await session.receive_text() == "hi"

    run_async(act())


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
def test_a_route_that_is_released_has_returned_at_the_upgrade(
    run_async, uvicorn_serving, ws, rooms
):
    app, left = rooms(release=True)

    async def act():
        async with uvicorn_serving(Middleware(app), ws=ws) as host:
            url = f"ws://127.0.0.1:{host.port}/rooms/7?name=ada"
            async with websockets.connect(url) as client:
                await client.send("hi")
                assert await client.recv() == "hi"
                assert left == ["the route"]

    run_async(act())


def test_what_cannot_be_released_says_what_it_needs(rooms):
    app, _ = rooms(release=True)
    with (
        pytest.raises(RuntimeError, match=r"--ws sock\.adapters\.uvicorn:SockProtocol, or wrap"),
        TestClient(app).websocket_connect("/rooms/7?name=ada"),
    ):
        pass


def test_a_route_of_quart_without_our_subclass_is_told_what_its_release_needs(
    run_async, asgi_scope, echo
):
    quart = pytest.importorskip("quart")
    raised = []
    app = quart.Quart(__name__)
    app.asgi_websocket_class = type("Own", (quart.asgi.ASGIWebsocketConnection,), {})

    @app.websocket("/")
    async def room():
        with pytest.raises(RuntimeError) as refused:
            await upgrade(quart.websocket, echo(None), release=True)
        raised.append(str(refused.value))
        return "no", 501

    async def act():
        scope = asgi_scope(Middleware(app), scheme="ws", subprotocols=[], extensions=DENIAL)
        scope.tell(CONNECT)
        while not scope.told:
            await asyncio.sleep(0)
        scope.tell({"type": "websocket.disconnect", "code": 1006})  # for which Quart 0.23 waits
        await scope.task
        assert scope.told[0]["status"] == 501

    run_async(act())
    assert "run uvicorn with --ws sock.adapters.uvicorn:SockProtocol" in raised[0]


def test_upgrade_refuses_another_sites_page(run_async, asgi_scope, rooms, echo):
    app, left = rooms()

    async def act():
        scope = asgi_scope(
            app,
            path="/rooms/7",
            query_string=b"name=eve",
            subprotocols=[],
            headers=[(b"host", b"here"), (b"origin", b"https://evil.example")],
            extensions=DENIAL,
        )
        scope.tell(CONNECT)
        await scope.task
        assert scope.told[0]["status"] == 403

    run_async(act())
    assert left == ["the route"]
    assert echo.reasons == []
