"""The WebSocket objects of ASGI frameworks: each is known, and what is none is one clear error."""

from __future__ import annotations

import pytest
import websockets

import sock
from sock import Options, Sock
from sock.adapters.asgi import upgrade
from sock.adapters.asgi.framework import framework_connection

fastapi = pytest.importorskip("fastapi")
litestar = pytest.importorskip("litestar")
quart = pytest.importorskip("quart")

PROTOCOLS = ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"]


class Echo(Sock):
    def handle_in(self, message):
        return message


@pytest.mark.parametrize("ws", PROTOCOLS)
def test_fastapi_upgrades_behind_its_dependencies(run_async, uvicorn_serving, ws):
    steps = []

    async def session():
        steps.append("opened")
        yield "a session"
        steps.append("given back")

    async def user(token: str = ""):
        if token != "secret":
            raise fastapi.HTTPException(401)
        return "ada"

    app = fastapi.FastAPI()

    class Greets(Echo):
        def __init__(self, name, room):
            self.greeting = f"{name} in {room}"

        def init(self, ref):
            return self.greeting

    @app.websocket("/rooms/{room}")
    async def _(
        websocket: fastapi.WebSocket,
        room: str,
        name: str = fastapi.Depends(user),
        of_session: str = fastapi.Depends(session),
        release: bool = False,
    ) -> None:
        await upgrade(websocket, Greets(name, room), release=release)

    async def act():
        async with uvicorn_serving(sock.adapters.asgi.Middleware(app), ws=ws) as host:
            url = f"ws://127.0.0.1:{host.port}/rooms/red?token=secret"
            for query, given_back in (("", False), ("&release=1", True)):
                steps.clear()
                async with websockets.connect(url + query) as client:
                    assert await client.recv() == "ada in red"
                    await client.send("hi")
                    assert await client.recv() == "hi"
                    assert ("given back" in steps) is given_back
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{host.port}/rooms/red")
            assert refused.value.response.status_code in {401, 403}

    run_async(act())


def of_fastapi(route):
    app = fastapi.FastAPI()

    async def called(websocket: fastapi.WebSocket) -> None:
        await route(websocket)

    app.add_api_websocket_route("/", called)
    return app


def of_litestar(route):
    async def called(socket: litestar.WebSocket) -> None:
        await route(socket)

    return litestar.Litestar([litestar.websocket("/")(called)])


def of_quart(route):
    app = quart.Quart(__name__)

    async def called():
        await route(quart.websocket)

    app.add_websocket("/", "called", called)
    return app


@pytest.mark.parametrize("ws", PROTOCOLS)
@pytest.mark.parametrize("of", [of_fastapi, of_litestar, of_quart])
def test_text_and_origins_are_alike_in_every_framework(run_async, uvicorn_serving, ws, of):
    """[S13.10] [S14.7]"""

    def check(origin, request):
        if origin == "https://fault.example":
            raise LookupError
        return request.cookies["friend"] == "日本" and origin == "https://friend.example"

    async def route(connection):
        options = Options(origins=["file://", check])
        await upgrade(connection, Echo(None), options, headers={"X-Name": "é 日本"})

    async def act():
        async with uvicorn_serving(of(route), ws=ws) as host:
            url = f"ws://127.0.0.1:{host.port}/"
            # The client writes, and reads, Latin-1.
            cookie = {"Cookie": "friend=日本".encode().decode("latin-1")}
            for origin in ("file://", "https://friend.example"):
                async with websockets.connect(
                    url, origin=origin, additional_headers=cookie
                ) as client:
                    text = client.response.headers["X-Name"].encode("latin-1").decode()
                    assert text == "é 日本"
            for origin in ("https://evil.example", "https://fault.example"):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(url, origin=origin, additional_headers=cookie)
                assert refused.value.response.status_code in {403, 500}

    run_async(act())


@pytest.mark.parametrize("ws", PROTOCOLS)
def test_litestar_upgrades_in_its_route(run_async, uvicorn_serving, ws):
    @litestar.websocket("/rooms/{room:str}")
    async def room(socket: litestar.WebSocket) -> None:
        await upgrade(socket, Echo(None), headers={"X-Room": socket.path_params["room"]})

    app = litestar.Litestar([room])

    async def act():
        async with uvicorn_serving(app, ws=ws) as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/rooms/red") as client:
                assert client.response.headers["X-Room"] == "red"
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())


def test_litestars_test_client_works_against_it():
    from litestar.testing import TestClient

    @litestar.websocket("/rooms/{room:str}")
    async def room(socket: litestar.WebSocket) -> None:
        await upgrade(socket, Echo(None))

    with (
        TestClient(litestar.Litestar([room])) as client,
        client.websocket_connect("/rooms/red") as session,
    ):
        session.send_text("hi")
        assert session.receive_text() == "hi"


@pytest.mark.parametrize("ws", PROTOCOLS)
def test_quart_upgrades_in_its_route(run_async, uvicorn_serving, ws):
    app = quart.Quart(__name__)

    @app.websocket("/rooms/<room>")
    async def _(room):
        if "name" not in quart.websocket.args:
            quart.abort(401)
        await upgrade(quart.websocket, Echo(None), headers={"X-Room": room})

    async def act():
        async with uvicorn_serving(app, ws=ws) as host:
            url = f"ws://127.0.0.1:{host.port}/rooms/red"
            async with websockets.connect(f"{url}?name=ada") as client:
                assert client.response.headers["X-Room"] == "red"
                await client.send("hi")
                assert await client.recv() == "hi"
                await client.send(b"\0")
                assert await client.recv() == b"\0"
            for query, origin, status in (
                ("", None, 401),
                ("?name=eve", "https://evil.example", 403),
            ):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(url + query, origin=origin)
                assert refused.value.response.status_code == status

    run_async(act())


def test_quarts_test_client_works_against_it(run_async):
    app = quart.Quart(__name__)

    @app.websocket("/")
    async def _():
        await upgrade(quart.websocket, Echo(None))

    async def act():
        async with app.test_client().websocket("/") as session:
            await session.send("hi")
            assert await session.receive() == "hi"

    run_async(act())


def test_an_object_of_no_framework_is_one_clear_error():
    with pytest.raises(TypeError, match=r"not a builtins\.int\. aiohttp, tornado"):
        framework_connection(7)


def test_a_request_that_is_no_websocket_is_one_clear_error():
    from starlette.requests import Request

    with pytest.raises(TypeError, match=r"of the type 'http': an upgrade needs a route"):
        framework_connection(Request({"type": "http", "headers": []}))


def test_what_was_accepted_already_cannot_be_upgraded():
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.testclient import TestClient

    async def room(websocket):
        await websocket.accept()
        await upgrade(websocket, Echo(None))

    client = TestClient(Starlette(routes=[WebSocketRoute("/", room)]))
    with (
        pytest.raises(RuntimeError, match="accepted already: upgrade does that itself"),
        client.websocket_connect("/") as session,
    ):
        session.receive_text()


def test_a_websocket_class_of_an_applications_own_is_quarts_still(run_async, uvicorn_serving):
    class OfOnesOwn(quart.wrappers.Websocket):
        pass

    app = quart.Quart(__name__)
    app.websocket_class = OfOnesOwn

    @app.websocket("/")
    async def _():
        await upgrade(quart.websocket, Echo(None))

    async def act():
        async with uvicorn_serving(app, ws="websockets-sansio") as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())
