"""Tornado: its stream is detached in a request handler."""

from __future__ import annotations

import asyncio
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
async def serving(*routes, ssl_context=None, xheaders=False):
    server = HTTPServer(Application(list(routes)), xheaders=xheaders, ssl_options=ssl_context)
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


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def test_all_headers_of_one_name_are_in_the_answer(run_async):
    def app(request):
        cookies = [("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("Server", "ours")]
        return Response(200, "hello", cookies)

    async def act():
        async with serving((r"/", adapter.hosting(app))) as (_, port):
            client = AsyncHTTPClient(force_instance=True)
            answer = await client.fetch(f"http://127.0.0.1:{port}/")
            client.close()
            assert answer.headers.get_list("Set-Cookie") == ["a=1", "b=2"]
            assert answer.headers.get_list("Server") == ["ours"]

    run_async(act())


class Where(Sock):
    def init(self, ref):
        return repr((ref.request.client, ref.request.server))


@pytest.mark.parametrize("xheaders", [True, False])
def test_the_client_is_the_one_that_a_proxy_which_tornado_trusts_tells_of(run_async, xheaders):
    class Room(RequestHandler):
        async def get(self):
            await adapter.upgrade(self, Where(None))

    async def act():
        async with serving((r"/", Room), xheaders=xheaders) as (_, port):
            url, told = f"ws://127.0.0.1:{port}/", {"X-Forwarded-For": "203.0.113.9"}
            async with websockets.connect(url, additional_headers=told) as client:
                own = client.local_address[:2]
                assert await client.recv() == repr(
                    (("203.0.113.9", 0) if xheaders else own, ("127.0.0.1", port))
                )

    run_async(act())


def test_an_upgrade_after_an_answer_has_begun_says_so(run_async, caplog):
    class Late(RequestHandler):
        async def get(self):
            self.write("the beginning")
            await self.flush()
            await adapter.upgrade(self, Echo(None))

    async def act():
        async with serving((r"/", Late)) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            said = await reader.readuntil(
                b"\r\n0\r\n\r\n"
            )  # Tornado ends that answer in its own way
            writer.close()
            assert said.startswith(b"HTTP/1.1 200 ")
            assert b"101" not in said

    run_async(act())
    assert "an answer to this request has begun" in caplog.text


@pytest.mark.parametrize("whole", [False, True])
def test_a_peer_that_leaves_while_the_route_thinks_is_no_error(run_async, caplog, whole):
    async def act():
        thinks, left, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def think():
            thinks.set()
            await left.wait()

        class Room(RequestHandler):
            async def get(self):
                await think()
                await adapter.upgrade(self, Echo(None))

            def on_connection_close(self):
                left.set()

        async def app(request):
            await think()
            return Echo(request)

        class Whole(adapter.hosting(app)):
            on_connection_close = Room.on_connection_close

        class Noted(Whole if whole else Room):
            async def get(self):
                try:
                    await super().get()
                finally:
                    done.set()

        async with serving((r"/", Noted)) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            await thinks.wait()
            writer.transport.abort()
            await done.wait()

    run_async(act())
    assert "the peer has gone" not in caplog.text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
