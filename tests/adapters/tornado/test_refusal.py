"""`Refuse` in a request handler of Tornado's."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets

from sock import Refuse, Sock

pytest.importorskip("tornado")
from tornado.httpclient import AsyncHTTPClient
from tornado.web import RequestHandler

from sock.adapters import tornado as adapter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


from tests.adapters.tornado.serving import ROUTES, asking, serving


def test_a_request_handler_may_raise_refuse(run_async, caplog, events):
    """[S1.12]"""

    class Guarded(Sock):
        def __init__(self, request):
            raise Refuse(403, "members only")

    class Made(adapter.RefuseMixin, RequestHandler):
        async def get(self):
            await adapter.upgrade(self, Guarded(None))

    class Prepared(adapter.RefuseMixin, RequestHandler):
        async def prepare(self):
            raise Refuse(401, json.dumps({"who": "you"}), {"Content-Type": "application/json"})

    async def act():
        routes = (r"/made", Made), (r"/prepared", Prepared), *ROUTES
        async with serving(*routes) as (_, port):
            url = f"127.0.0.1:{port}"
            found = {}
            for path in ("/made", "/prepared", "/open/out"):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(f"ws://{url}{path}")
                response = refused.value.response
                found[path] = response.status_code, response.body
            assert found == {
                "/made": (403, b"members only"),
                "/prepared": (401, b'{"who": "you"}'),
                "/open/out": (402, b"pay"),
            }
            assert response.headers["X-Price"] == "7"
            client = AsyncHTTPClient(force_instance=True)
            answer = await client.fetch(f"http://{url}/open/out", raise_error=False)
            client.close()
            assert (answer.code, answer.body) == (402, b"pay")

    run_async(act())
    told = [(name, fields["status"]) for name, fields in events]
    assert told == [("handshake.refused", status) for status in (403, 401, 402, 402)]
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]


def test_a_refusal_behind_the_beginning_of_an_answer_is_an_error(run_async, caplog):
    async def act():
        async with serving(*ROUTES) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(asking("/open/late"))
            said = await reader.readuntil(b"\r\n0\r\n\r\n")
            writer.close()
            assert said.startswith(b"HTTP/1.1 200 ")

    run_async(act())
    assert [one.exc_info[0] for one in caplog.records if one.exc_info] == [Refuse]
