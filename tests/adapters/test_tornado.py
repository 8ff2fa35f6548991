"""Tornado: its stream is detached in a request handler."""

from __future__ import annotations

import contextlib

import pytest
import websockets

from sock import Options, Refuse, Response, Sock, Upgrade
from sock.testing import contract

pytest.importorskip("tornado")
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from sock.adapters import tornado as adapter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


class Echo(Sock):
    def handle_in(self, message):
        return message


@contextlib.asynccontextmanager
async def serving(*routes, ssl_context=None):
    server = HTTPServer(Application(list(routes)), ssl_options=ssl_context)
    server.listen(0, "127.0.0.1")
    [sock] = server._sockets.values()

    async def stop():
        server.stop()
        await adapter.drain()

    try:
        yield stop, sock.getsockname()[1]
    finally:
        await stop()
        await server.close_all_connections()


def test_all_of_the_contract_holds(run_async, prove, reactor_kind):
    async def act():
        async with serving((r"/.*", adapter.hosting(contract.app))) as (stop, port):
            assert await prove(port, drain=stop) == []

    run_async(act())


def test_a_request_handler_upgrades_where_tornado_has_done_its_part(run_async, reactor_kind):
    class Room(RequestHandler):
        async def get(self, room):
            if not self.get_argument("name", ""):
                raise HTTPError(401)
            await adapter.upgrade(
                self,
                Echo(None),
                Options(max_message_size=10),
                subprotocol="b",
                headers={"X-Room": room},
            )

    async def act():
        async with serving((r"/rooms/(.+)", Room)) as (_, port):
            url = f"ws://127.0.0.1:{port}/rooms/red"
            async with websockets.connect(f"{url}?name=ada", subprotocols=["a", "b"]) as client:
                assert client.response.headers["X-Room"] == "red"
                assert client.subprotocol == "b"
                await client.send("hi")
                assert await client.recv() == "hi"
            for query, origin, status in (
                ("", None, 401),
                ("?name=eve", "https://evil.example", 403),
            ):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(url + query, origin=origin)
                assert refused.value.response.status_code == status

    run_async(act())


def test_what_is_no_upgrade_is_answered_in_the_ordinary_way(run_async):
    def app(request):
        match request.path:
            case "/text":
                return Response(200, "hello", {"X-Kind": "text"})
            case "/refused":
                raise Refuse(402, "pay")
            case "/raises":
                raise LookupError
            case "/bad":
                return Upgrade(Echo(request), subprotocol="never-offered")
            case _:
                return Echo(request)

    async def act():
        routes = (r"/only", adapter.hosting(Echo)), (r"/.*", adapter.hosting(app))
        async with serving(*routes) as (_, port):
            client = AsyncHTTPClient(force_instance=True)
            found = {}
            for path in ("/text", "/refused", "/raises", "/echo", "/only"):
                answer = await client.fetch(f"http://127.0.0.1:{port}{path}", raise_error=False)
                found[path] = answer.code, answer.body
            client.close()
            assert found["/text"] == (200, b"hello")
            assert found["/refused"] == (402, b"pay")
            assert found["/raises"][0] == 500
            assert found["/echo"][0] == found["/only"][0] == 426
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{port}/bad")
            assert refused.value.response.status_code == 500

    run_async(act())


def test_an_object_of_another_framework_is_one_clear_error(run_async):
    async def act():
        with pytest.raises(TypeError, match=r"takes the RequestHandler .* not a builtins\.dict"):
            await adapter.upgrade({}, Echo(None))

    run_async(act())
