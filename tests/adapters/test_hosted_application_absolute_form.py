"""A target in absolute form, as a client sends it that has a proxy: each host takes its host."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

import sock
from sock import Sock

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


class Sees(Sock):
    seen = []

    def __init__(self, request):
        self.seen.append((request.path, dict(request.query)))


@contextlib.asynccontextmanager
async def aiohttp():
    web = pytest.importorskip("aiohttp.web")
    from sock.adapters.aiohttp import handler

    app = web.Application()
    app.router.add_get("/{rest:.*}", handler(Sees))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def tornado():
    pytest.importorskip("tornado")
    from tornado.httpserver import HTTPServer
    from tornado.web import Application

    from sock.adapters.tornado import drain, hosting

    # Its router compares the whole target: a route that is for all begins with no slash.
    server = HTTPServer(Application([(r".*", hosting(Sees))]))
    server.listen(0, "127.0.0.1")
    [listening] = server._sockets.values()
    try:
        yield listening.getsockname()[1]
    finally:
        server.stop()
        await drain()
        await server.close_all_connections()


@contextlib.asynccontextmanager
async def websockets():
    from websockets.asyncio.server import serve

    from sock.adapters.websockets import hosting

    async with serve(**hosting(Sees), host="127.0.0.1", port=0) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def own():
    async with sock.serve(Sees, port=0) as server:
        yield server.port


@pytest.fixture(params=["own", "uvicorn", "uvicorn, bridge", "aiohttp", "tornado", "websockets"])
def serving(request, uvicorn_serving):
    """Serve on each host, and give the port."""

    @contextlib.asynccontextmanager
    async def over_asgi(ws):
        async with uvicorn_serving(sock.asgi(Sees), ws=ws, lifespan="off") as host:
            yield host.port

    match request.param:
        case "uvicorn":
            return lambda: over_asgi("sock.adapters.uvicorn:SockProtocol")
        case "uvicorn, bridge":
            return lambda: over_asgi("websockets-sansio")
        case name:
            return globals()[name]


async def asked(port, origin):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET http://there.example/a%20b?c=d HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\nOrigin: " + origin + b"\r\n\r\n"
    )
    status = await reader.readline()
    writer.close()
    return int(status.split()[1])


def test_the_path_is_that_of_the_target_and_the_host_of_the_target_counts(run_async, serving):
    """[S14.9] RFC 9112 §3.2.2"""
    Sees.seen.clear()

    async def act():
        async with serving() as port:
            assert await asked(port, b"http://there.example") == 101
            assert await asked(port, b"http://here") == 403

    run_async(act())
    assert Sees.seen[:1] == [("/a b", {"c": "d"})]
