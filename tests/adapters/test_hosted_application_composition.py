"""Wrappers, routes and mounts on every host, with the parameters of its own router."""

from __future__ import annotations

import asyncio

import pytest
import websockets

import sock
from sock import Routes, Sock, Stop, Stream, TextSock, Wrapper, around, asgi, mount


class Forms(TextSock):
    """Answers in the form that a message names."""

    def handle_in(self, text):
        match text.strip("12"):
            case "stream":
                return Stream(self.items())
            case "stop":
                return Stop(4001, "out", ["last"])
            case _:
                return text

    async def items(self):
        for item in "ab":
            await asyncio.sleep(0)
            yield item


class One(Wrapper):
    mark = "1"

    def incoming(self, message):
        return message + self.mark

    def outgoing(self, message):
        return message + self.mark


class Two(One):
    mark = "2"


class Where(Sock):
    """Says where it is."""

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        request = self.ref.request
        params = {name: value for name, value in request.path_params.items() if name != "rest"}
        return f"{request.root_path}|{request.path}|{params}"


BOTH_WAYS = {
    "/one/{n:int}": around(around(Forms, One), Two),
    "/two/{n:int}": around(around(Forms, Two), One),
    "/where/{n:int}": Where,
}


async def try_wrappers(url):
    """Prove [S20.3], [S20.9] and [S20.10] behind a host."""
    for path, marks in (("one", "12"), ("two", "21")):
        async with websockets.connect(f"{url}/{path}/7") as client:
            inwards = marks[::-1]
            await client.send("hi")
            assert await client.recv() == f"hi{inwards}{marks}"
            await client.send("stream")
            assert [await client.recv(), await client.recv()] == [f"a{marks}", f"b{marks}"]
            await client.send(b"binary")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1003
        async with websockets.connect(f"{url}/{path}/7") as client:
            await client.send("stop")
            assert await client.recv() == f"last{marks}"
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "out")


async def where(url):
    async with websockets.connect(url) as client:
        await client.send("?")
        return await client.recv()


def test_our_own_server(run_async, reactor_kind):
    app = Routes({"/{rest:path}": mount("/v1", Routes(BOTH_WAYS))})

    async def act():
        async with sock.serve(app, port=0) as server:
            url = f"ws://127.0.0.1:{server.port}/v1"
            await try_wrappers(url)
            assert await where(f"{url}/where/7") == "/v1|/where/7|{'n': 7}"

    run_async(act())


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
def test_an_application_that_starlette_mounts(run_async, uvicorn_serving, ws):
    pytest.importorskip("starlette")
    from starlette.applications import Starlette
    from starlette.routing import Mount

    app = Starlette(routes=[Mount("/chat", asgi(mount("/v1", Routes(BOTH_WAYS))))])

    async def act():
        async with uvicorn_serving(app, ws=ws) as server:
            url = f"ws://127.0.0.1:{server.port}/chat/v1"
            await try_wrappers(url)
            assert await where(f"{url}/where/7") == "/chat/v1|/where/7|{'n': 7}"

    run_async(act())


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
@pytest.mark.parametrize("framework", ["starlette", "fastapi", "litestar", "quart"])
def test_a_route_of_a_framework(run_async, uvicorn_serving, framework, ws):
    pytest.importorskip(framework)
    app, root = FRAMEWORKS[framework]()

    async def act():
        async with uvicorn_serving(app, ws=ws) as server:
            url = f"ws://127.0.0.1:{server.port}"
            await try_wrappers(f"{url}/forms")
            seen = await where(f"{url}{root}/where/7")
            assert seen.startswith(f"{root}|/where/7|")
            assert "'7'" in seen or framework == "quart"  # Quart keeps them from the scope

    run_async(act())


def handler(path):
    """Return the wrapped handler of a path."""
    first, second = (One, Two) if path.startswith("one") else (Two, One)
    return second(first(Forms(None)))


def starlette():
    from starlette.applications import Starlette
    from starlette.routing import Mount, WebSocketRoute

    async def forms(websocket):
        from sock.adapters.asgi import upgrade

        await upgrade(websocket, handler(websocket.path_params["path"]))

    async def see(websocket):
        from sock.adapters.asgi import upgrade

        await upgrade(websocket, Where(None))

    inner = Mount("/v1", routes=[WebSocketRoute("/where/{n}", see)])
    return Starlette(routes=[WebSocketRoute("/forms/{path:path}", forms), inner]), "/v1"


def fastapi():
    from fastapi import FastAPI, WebSocket

    from sock.adapters.asgi import upgrade

    app, inner = FastAPI(), FastAPI()

    async def forms(websocket: WebSocket, path: str):
        await upgrade(websocket, handler(path))

    async def see(websocket: WebSocket, n: str):
        await upgrade(websocket, Where(None))

    forms.__annotations__ = {"websocket": WebSocket, "path": str}
    see.__annotations__ = {"websocket": WebSocket, "n": str}
    app.websocket("/forms/{path:path}")(forms)
    inner.websocket("/where/{n}")(see)
    app.mount("/v1", inner)
    return app, "/v1"


def litestar():
    from litestar import Litestar, WebSocket, websocket

    from sock.adapters.asgi import upgrade

    async def forms(socket):
        await upgrade(socket, handler(str(socket.path_params["path"]).lstrip("/")))

    async def see(socket):
        await upgrade(socket, Where(None))

    forms.__annotations__ = see.__annotations__ = {"socket": WebSocket, "return": None}
    routes = [websocket("/forms/{path:path}")(forms), websocket("/where/{n:str}")(see)]
    return Litestar(route_handlers=routes), ""


def quart():
    from quart import Quart
    from quart import websocket as current

    from sock.adapters.asgi import upgrade

    app = Quart("app")

    @app.websocket("/forms/<path:path>")
    async def forms(path):
        await upgrade(current, handler(path))

    @app.websocket("/where/<n>")
    async def see(n):
        await upgrade(current, Where(None))

    return app, ""


FRAMEWORKS = {"starlette": starlette, "fastapi": fastapi, "litestar": litestar, "quart": quart}


def test_aiohttp(run_async, reactor_kind):
    web = pytest.importorskip("aiohttp.web")
    from sock.adapters import aiohttp as adapter

    async def act():
        app = web.Application()
        app.router.add_get("/app/{rest:.*}", adapter.handler(mount("/app", Routes(BOTH_WAYS))))
        app.router.add_get("/where/{n}", adapter.handler(Where))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
            await try_wrappers(f"{url}/app")
            assert await where(f"{url}/where/7") == "|/where/7|{'n': '7'}"
        finally:
            await runner.cleanup()

    run_async(act())


@pytest.mark.filterwarnings("ignore:.*There is no current event loop:DeprecationWarning")
def test_tornado(run_async, reactor_kind):
    pytest.importorskip("tornado")
    from sock.adapters import tornado as adapter
    from tests.adapters.tornado.serving import serving

    routes = [
        (r"/app/.*", adapter.hosting(mount("/app", Routes(BOTH_WAYS)))),
        (r"/where/(?P<n>[^/]+)", adapter.hosting(Where)),
    ]

    async def act():
        async with serving(*routes) as (_, port):
            url = f"ws://127.0.0.1:{port}"
            await try_wrappers(f"{url}/app")
            assert await where(f"{url}/where/7") == "|/where/7|{'n': '7'}"

    run_async(act())


def test_websockets(run_async):
    pytest.importorskip("websockets.asyncio.server")
    from sock.adapters.websockets import hosting

    async def act():
        app = mount("/app", Routes(BOTH_WAYS))
        async with websockets.serve(**hosting(app), host="127.0.0.1", port=0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/app"
            await try_wrappers(url)
            assert await where(f"{url}/where/7") == "/app|/where/7|{'n': 7}"

    run_async(act())
