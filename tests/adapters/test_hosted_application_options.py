"""What a class or an application says of its limits counts on every host: seen by the Origin."""

from __future__ import annotations

import asyncio
import contextlib
import functools

import pytest
import websockets

import sock
from sock import Application, Options, Sock, Upgrade

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)

LISTED = "https://listed.example"
OTHER = "https://other.example"


class Open(Sock):
    """Lets pages of another site in, by an option of its class."""

    options = Options(origins=LISTED)

    def handle_in(self, message):
        return message


class Plain(Sock):
    def handle_in(self, message):
        return message


def answers(request):
    return Open(request)


def carries(request):
    return Plain(request)


def answers_plain(request):
    return Plain(request)


carries.options = Options(origins=LISTED)

APPS = {
    "class": Open,
    "partial": functools.partial(Open),
    "answer": answers,
    "upgrade": lambda request: Upgrade(Open(request), options=Options(max_mailbox=5)),
    "Application of a class": Application(Open),
    "Application": Application(answers_plain, options=Options(origins=LISTED)),
    "function": carries,
    "partial of a function": functools.partial(carries),
}


@contextlib.asynccontextmanager
async def ours(app, _):
    async with sock.serve(app) as server:
        yield server.port


@contextlib.asynccontextmanager
async def asgi(app, uvicorn):
    async with uvicorn(sock.asgi(app)) as server:
        yield server.port


@contextlib.asynccontextmanager
async def bridged(app, uvicorn):
    async with uvicorn(sock.asgi(app), ws="websockets-sansio") as server:
        yield server.port


@contextlib.asynccontextmanager
async def aiohttp(app, _):
    web = pytest.importorskip("aiohttp.web")
    from sock.adapters import aiohttp as adapter

    async with _aiohttp(web, adapter, adapter.handler(app)) as port:
        yield port


@contextlib.asynccontextmanager
async def _aiohttp(web, adapter, route):
    served = web.Application()
    served.router.add_get("/", route)
    adapter.setup(served)
    runner = web.AppRunner(served)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def tornado(app, _):
    pytest.importorskip("tornado")
    from sock.adapters import tornado as adapter

    async with _tornado(adapter.hosting(app)) as port:
        yield port


@contextlib.asynccontextmanager
async def _tornado(handler):
    from tornado.httpserver import HTTPServer
    from tornado.web import Application as Tornado

    from sock.adapters import tornado as adapter

    server = HTTPServer(Tornado([("/", handler)]))
    server.listen(0, "127.0.0.1")
    [listening] = server._sockets.values()
    try:
        yield listening.getsockname()[1]
    finally:
        server.stop()
        await adapter.drain()
        await server.close_all_connections()


@contextlib.asynccontextmanager
async def websockets_(app, _):
    from sock.adapters import websockets as adapter

    async with websockets.serve(**adapter.hosting(app), host="127.0.0.1", port=0) as server:
        yield server.sockets[0].getsockname()[1]


HOSTS = {
    "ours": ours,
    "asgi": asgi,
    "bridged": bridged,
    "aiohttp": aiohttp,
    "tornado": tornado,
    "websockets": websockets_,
}


async def answered(port, origin):
    """Return the status of a refusal, the code of a Close at once, or what is echoed."""
    try:
        async with websockets.connect(f"ws://127.0.0.1:{port}/", origin=origin) as client:
            await client.send("hi")
            return await client.recv()
    except websockets.InvalidStatus as refused:
        return refused.response.status_code
    except websockets.ConnectionClosed as closed:
        return closed.rcvd.code


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("host", HOSTS)
def test_the_options_of_a_class_or_an_application_count_on_every_host(
    run_async, uvicorn_serving, host, app
):
    """[S19.1] [S19.2]"""

    async def act():
        async with HOSTS[host](APPS[app], uvicorn_serving) as port:
            assert await answered(port, LISTED) == "hi"
            assert await answered(port, OTHER) == 403

    run_async(act())


# In a framework's route.


@contextlib.asynccontextmanager
async def starlette_route(handler, uvicorn, **options):
    pytest.importorskip("starlette")
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute

    from sock.adapters.asgi import upgrade

    async def route(websocket):
        await upgrade(websocket, handler(None))

    async with uvicorn(Starlette(routes=[WebSocketRoute("/", route)]), **options) as server:
        yield server.port


@contextlib.asynccontextmanager
async def bridged_route(handler, uvicorn):
    async with starlette_route(handler, uvicorn, ws="websockets-sansio") as port:
        yield port


@contextlib.asynccontextmanager
async def aiohttp_route(handler, _):
    web = pytest.importorskip("aiohttp.web")
    from sock.adapters import aiohttp as adapter

    async def route(request):
        return await adapter.upgrade(request, handler(None))

    async with _aiohttp(web, adapter, route) as port:
        yield port


@contextlib.asynccontextmanager
async def tornado_route(handler, _):
    pytest.importorskip("tornado")
    from tornado.web import RequestHandler

    from sock.adapters import tornado as adapter

    class Route(RequestHandler):
        async def get(self):
            await adapter.upgrade(self, handler(None))

    async with _tornado(Route) as port:
        yield port


@contextlib.asynccontextmanager
async def websockets_route(handler, _):
    from sock.adapters import websockets as adapter

    async def route(connection):
        await adapter.upgrade(connection, handler(None))

    async with websockets.serve(route, host="127.0.0.1", port=0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "route", [starlette_route, bridged_route, aiohttp_route, tornado_route, websockets_route]
)
def test_the_options_of_a_class_count_in_a_route_too(run_async, uvicorn_serving, route):
    """[S19.2]"""

    async def act():
        async with route(Open, uvicorn_serving) as port:
            assert await answered(port, LISTED) == "hi"
            assert await answered(port, OTHER) in {403, 1008}
        async with route(Plain, uvicorn_serving) as port:
            assert await answered(port, LISTED) in {403, 1008}

    run_async(act())


# A class whose options were set later.


class Late(Sock):
    def handle_in(self, message):
        return message


def answers_late(request):
    return Late(request)


@pytest.mark.parametrize("host", HOSTS)
def test_options_that_no_connection_can_have_are_a_500_where_they_were_set_later(
    run_async, uvicorn_serving, monkeypatch, events, host
):
    """[S19.3]"""
    monkeypatch.setattr(Late, "options", Options(max_head_size=1000))

    async def act():
        async with HOSTS[host](answers_late, uvicorn_serving) as port:
            assert await answered(port, None) == 500
        [error] = [told["error"] for event, told in events if event == "handshake.failed"]
        assert isinstance(error, sock.HandlerError)
        assert "max_head_size" in str(error)

    run_async(act())


@pytest.mark.parametrize("host", HOSTS)
def test_a_class_with_such_options_is_refused_at_once_where_it_is_the_application(
    run_async, uvicorn_serving, monkeypatch, host
):
    """[S19.3]"""
    monkeypatch.setattr(Late, "options", Options(max_head_size=1000))

    async def act():
        with pytest.raises(ValueError, match="max_head_size: of the server"):
            async with HOSTS[host](Late, uvicorn_serving):
                pass

    run_async(act())


def test_options_of_a_server_are_kept_by_ours_where_an_application_carries_them(run_async):
    """[S19.3]"""
    app = Application(Plain, options=Options(max_head_size=300, max_connections=1))

    async def act():
        async with sock.serve(app, options=Options(max_connections=2)) as server:
            assert (server.options.max_head_size, server.options.max_connections) == (300, 2)
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 400 + b"\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
            writer.close()

    run_async(act())
