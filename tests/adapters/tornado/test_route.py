"""Tornado: its stream is detached in a request handler."""

from __future__ import annotations

import pytest
import websockets

from sock import Options
from sock.testing import contract

pytest.importorskip("tornado")
from tornado.web import HTTPError, RequestHandler

from sock.adapters import tornado as adapter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


from tests.adapters.tornado.serving import Echo, serving


@pytest.mark.one_form
@pytest.mark.timeout(170)
def test_all_of_the_contract_holds(run_async, prove, reactor_kind):
    async def act():
        async with serving((r".*", adapter.hosting(contract.app))) as (stop, port):
            skipped = await prove(port, limits=["heads", "lifespan"], drain=stop)
            assert 0 < len(skipped) < 8

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
