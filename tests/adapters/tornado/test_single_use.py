"""What follows a refused upgrade on Tornado is never read as a request."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import websockets

pytest.importorskip("tornado")
from tornado.web import Application

from sock.adapters import tornado as adapter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


from tests.adapters.tornado.serving import ROUTES, Seen, asking, serving

REFUSED = [
    (asking("/hosted/", Sec_WebSocket_Key="short"), 400),
    (asking("/hosted/refused"), 401),
    (asking("/hosted/", Origin="https://evil.example"), 403),
    (asking("/hosted/missing"), 404),
    (asking("/hosted/", method="POST"), 400),
    (asking("/hosted/", Sec_WebSocket_Version="8"), 426),
    (asking("/hosted/", Connection="keep-alive"), 426),
    (asking("/hosted/", Upgrade="h2c, WebSocket", Sec_WebSocket_Version=None), 400),
    (asking("/hosted/raises"), 500),
    (asking("/door/in", Origin="https://evil.example"), 403),
    (asking("/door/in", Sec_WebSocket_Version="8"), 426),
    (asking("/door/chooses"), 500),
    (asking("/open/in", Origin="https://evil.example"), 403),
    (asking("/open/refuses"), 402),
]


BY_ITSELF = [
    (asking("/door/redirects"), 302),
    (asking("/door/itself"), 401),
    (asking("/nowhere"), 404),
    (asking("/seen/it"), 200),
    (asking("/seen/it", method="POST"), 405),
]


FOLLOWING = [
    b"GET /seen/behind HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    asking("/open/in"),
]


async def everything(port, *pieces):
    """Send some pieces, each as a packet of its own; return what comes until the end of TCP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0)
    with contextlib.suppress(ConnectionError):
        said = await reader.read()
    writer.close()
    return said


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("following", FOLLOWING, ids=["a request", "a handshake"])
@pytest.mark.parametrize(
    ("asked", "status", "make"),
    [
        *((asked, status, Application) for asked, status in REFUSED),
        *((*one, lambda routes: adapter.setup(Application(routes))) for one in REFUSED[:2]),
        *((*one, lambda routes: adapter.setup(Application(routes))) for one in BY_ITSELF),
    ],
)
def test_what_follows_a_refused_upgrade_is_never_a_request(
    run_async, asked, status, make, following, whole
):
    """[S14.4]"""

    async def act():
        Seen.paths.clear()
        async with serving(*ROUTES, make=make) as (_, port):
            pieces = (asked + following,) if whole else (asked, following)
            said = await everything(port, *pieces)
            assert said.startswith(b"HTTP/1.1 %d " % status)
            assert said.count(b"HTTP/1.1 ") == 1
            assert b"\r\nConnection: close\r\n" in said
            assert "behind" not in Seen.paths

    run_async(act())


@pytest.mark.parametrize("make", [Application, lambda routes: adapter.setup(Application(routes))])
def test_an_ordinary_request_may_be_followed_by_another(run_async, make):
    async def act():
        Seen.paths.clear()
        async with serving(*ROUTES, make=make) as (_, port):
            plain = "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
            paths = ("/hosted/missing", "/open/refuses", "/nowhere", "/seen/one", "/hosted/")
            asked = [plain % (path, "") for path in paths]
            asked.append(plain % ("/seen/two", "Connection: close\r\n"))
            said = await everything(port, "".join(asked).encode())
            statuses = [int(line[:3]) for line in said.split(b"HTTP/1.1 ")[1:]]
            assert statuses == [404, 402, 404, 200, 426, 200]
            assert Seen.paths == ["one", "two"]

    run_async(act())


def test_an_upgrade_and_tornados_own_websockets_live_behind_setup(run_async):
    from tornado.websocket import WebSocketHandler

    class Theirs(WebSocketHandler):
        def on_message(self, message):
            self.write_message(message)

    def make(routes):
        return adapter.setup(Application(routes))

    async def act():
        async with serving((r"/theirs", Theirs), *ROUTES, make=make) as (_, port):
            for path in ("/theirs", "/open/in", "/door/in", "/hosted/in"):
                async with websockets.connect(f"ws://127.0.0.1:{port}{path}") as client:
                    await client.send("hi")
                    assert await client.recv() == "hi"

    run_async(act())
