"""Middleware sets a context variable: on every host, each connection sees its own only."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars

import pytest
import websockets

import sock
from sock import Sock, asgi, testing

user = contextvars.ContextVar("user", default="nobody")


class Tells(Sock):
    """Tells who is logged in, as every kind of callback sees it."""

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        match message:
            case "async":
                return self.waits()
            case "generator":
                return self.items()
            case "info":
                return self.ref.send("info")
        return user.get()

    async def waits(self):
        await asyncio.sleep(0)
        return user.get()

    async def items(self):
        await asyncio.sleep(0)
        yield user.get()

    def handle_info(self, info):
        return user.get()


async def see(port, path="/"):
    """Log in three people, and let each look, in turns."""
    people = ("ada", "bob", "")
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for name in people:
            headers = {"X-User": name} if name else {}
            url = f"ws://127.0.0.1:{port}{path}"
            connecting = websockets.connect(url, additional_headers=headers)
            clients.append(await stack.enter_async_context(connecting))
        seen = []
        for look in ("plain", "async", "generator", "info") * 2:
            for client in clients:
                await client.send(look)
            seen.append([await asyncio.wait_for(client.recv(), 10) for client in clients])
    assert seen == [["ada", "bob", "nobody"]] * 8


def logging_in(app):
    """Do what ASGI middleware does that knows who asks."""

    async def middleware(scope, receive, send):
        name = dict(scope.get("headers", ())).get(b"x-user")
        if name:
            user.set(name.decode())
        await app(scope, receive, send)

    return middleware


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
def test_behind_asgi_middleware_on_uvicorn(run_async, reactor_kind, uvicorn_serving, ws):
    async def act():
        async with uvicorn_serving(logging_in(asgi(Tells)), ws=ws) as server:
            await see(server.port)

    run_async(act())


@pytest.mark.parametrize("ws", ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"])
def test_in_a_route_of_starlette_behind_its_middleware(
    run_async, reactor_kind, uvicorn_serving, ws
):
    pytest.importorskip("starlette")
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import WebSocketRoute

    from sock.adapters.asgi import upgrade

    async def room(websocket):
        await upgrade(websocket, Tells(None))

    app = Starlette(routes=[WebSocketRoute("/", room)], middleware=[Middleware(logging_in)])

    async def act():
        async with uvicorn_serving(app, ws=ws) as server:
            await see(server.port)

    run_async(act())


def test_behind_the_middleware_of_aiohttp(run_async, reactor_kind):
    web = pytest.importorskip("aiohttp.web")
    from sock.adapters import aiohttp as adapter

    @web.middleware
    async def middleware(request, handler):
        if name := request.headers.get("X-User"):
            user.set(name)
        return await handler(request)

    async def act():
        app = web.Application(middlewares=[middleware])
        app.router.add_get("/", adapter.handler(Tells))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            await see(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    run_async(act())


@pytest.mark.filterwarnings("ignore:.*There is no current event loop:DeprecationWarning")
def test_behind_what_tornado_prepares(run_async, reactor_kind):
    pytest.importorskip("tornado")
    from tornado.httpserver import HTTPServer
    from tornado.web import Application, RequestHandler

    from sock.adapters import tornado as adapter

    class Room(RequestHandler):
        def prepare(self):
            if name := self.request.headers.get("X-User"):
                user.set(name)

        async def get(self):
            await adapter.upgrade(self, Tells(None))

    async def act():
        server = HTTPServer(Application([("/", Room)]))
        server.listen(0, "127.0.0.1")
        [listening] = server._sockets.values()
        try:
            await see(listening.getsockname()[1])
        finally:
            server.stop()
            await adapter.drain()
            await server.close_all_connections()

    run_async(act())


def asked(request):
    """Answer as an application with middleware of its own."""
    if name := request.headers.get("x-user"):
        user.set(name)
    return Tells(request)


async def asked_later(request):
    await asyncio.sleep(0)
    return asked(request)


@pytest.mark.parametrize("app", [asked, asked_later])
def test_on_our_own_server(run_async, reactor_kind, app):
    async def act():
        async with sock.serve(app) as server:
            await see(server.port)

    run_async(act())


def test_our_own_server_begins_with_what_was_set_where_it_was_started(run_async, reactor_kind):
    async def act():
        user.set("the program")
        async with sock.serve(asked) as server:
            user.set("something later")
            url = f"ws://127.0.0.1:{server.port}"
            async with (
                websockets.connect(url, additional_headers={"X-User": "ada"}) as ada,
                websockets.connect(url) as other,
            ):
                for client, name in ((ada, "ada"), (other, "the program")) * 2:
                    await client.send("plain")
                    assert await client.recv() == name

    run_async(act())


def test_two_requests_on_one_connection_do_not_see_each_other(run_async, reactor_kind):
    def app(request):
        before = user.get()
        user.set(request.query["name"])
        return sock.Response(200, before)

    async def act():
        async with sock.serve(app) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            for name in ("ada", "bob"):
                writer.write(f"GET /?name={name} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            writer.write(b"GET /?name=eve HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            told = await reader.read()
            writer.close()
            assert told.count(b"nobody") == 3

    run_async(act())


@pytest.mark.parametrize("app", [asked, asked_later])
def test_in_the_test_kit(app):
    with (
        testing.open(app, headers={"X-User": "ada"}) as ada,
        testing.open(app, headers={"X-User": "bob"}) as bob,
        testing.open(app) as stranger,
    ):
        for look in ("plain", "async", "generator", "info") * 2:
            for session, name in ((ada, "ada"), (bob, "bob"), (stranger, "nobody")):
                session.receive(look)
                assert session.pushed() == [name]
    assert user.get() == "nobody"
