"""Our subclass of Quart's connection: how a Sock is told of its end."""

from __future__ import annotations

import asyncio

import pytest
import websockets

from sock import Normal, Remote, Shutdown, Sock, Stop
from sock.adapters.asgi import Middleware, upgrade

quart = pytest.importorskip("quart")
from sock.adapters.asgi.quart import adapt

adapt()  # as where Quart is imported first

PROTOCOLS = ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"]


def ends(run_async, act):
    """Return what `terminate` is told after a client did what it does."""
    reasons = []
    ended = asyncio.Event()

    class Notes(Sock):
        begun = asyncio.Event()

        def init(self, ref):
            self.begun.set()

        def handle_in(self, message):
            return Stop(4001) if message == "stop" else message

        def terminate(self, reason):
            reasons.append(reason)
            ended.set()

    async def bounded():
        await act(Notes)
        await ended.wait()

    run_async(bounded())
    return reasons


@pytest.mark.parametrize("how", ["closes", "aborts", "is stopped"])
@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize("ws", PROTOCOLS)
def test_quart_tells_how_a_connection_has_ended(run_async, uvicorn_serving, ws, release, how):
    async def act(kind):
        app = quart.Quart(__name__)

        @app.websocket("/")
        async def _():
            await upgrade(quart.websocket, kind(None), release=release)

        async with uvicorn_serving(Middleware(app), ws=ws) as host:
            client = await websockets.connect(f"ws://127.0.0.1:{host.port}/")
            for message in ("hi", b"", b"\0"):
                await client.send(message)
                assert await client.recv() == message
            match how:
                case "closes":
                    await client.close(4005, "later")
                case "aborts":
                    client.transport.abort()
                case _:
                    await client.send("stop")
                    with pytest.raises(websockets.ConnectionClosed) as closed:
                        await client.recv()
                    assert closed.value.rcvd.code == 4001

    expected = {"closes": Remote(4005, "later"), "aborts": Remote(1006), "is stopped": Normal()}
    assert ends(run_async, act) == [expected[how]]


def test_quart_says_1012_when_its_server_cancels_it(run_async):
    async def act(kind):
        app = quart.Quart(__name__)

        @app.websocket("/")
        async def _():
            await upgrade(quart.websocket, kind(None))

        told, said = asyncio.Queue(), asyncio.Queue()
        scope = {
            "type": "websocket",
            "path": "/",
            "query_string": b"",
            "scheme": "ws",
            "headers": [(b"host", b"here")],
        }
        told.put_nowait({"type": "websocket.connect"})
        serving = asyncio.ensure_future(app(scope, told.get, said.put))
        assert (await said.get())["type"] == "websocket.accept"
        await kind.begun.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert (await said.get())["code"] == 1012

    assert ends(run_async, act) == [Shutdown()]


def test_quart_without_our_subclass_has_lost_its_peer_when_it_cancels_a_route(
    run_async, uvicorn_serving
):
    class OfOnesOwn(quart.asgi.ASGIWebsocketConnection):
        pass

    async def act(kind):
        app = quart.Quart(__name__)
        app.asgi_websocket_class = OfOnesOwn

        @app.websocket("/")
        async def _():
            await upgrade(quart.websocket, kind(None))

        async with uvicorn_serving(app, ws="websockets-sansio") as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    assert ends(run_async, act) == [Remote(1006)]
