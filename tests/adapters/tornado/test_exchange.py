"""Requests and responses of Tornado's handlers, as an application of Sock's sees and gives them."""

from __future__ import annotations

import pytest
import websockets

from sock import Refuse, Response, Sock, Upgrade

pytest.importorskip("tornado")
from tornado.httpclient import AsyncHTTPClient
from tornado.web import RequestHandler

from sock.adapters import tornado as adapter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


from tests.adapters.tornado.serving import Echo, serving


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
