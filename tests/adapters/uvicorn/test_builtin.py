"""uvicorn's built-in protocol serves the applications that are no Socks."""

from __future__ import annotations

import asyncio
import logging

import pytest
import websockets

from sock.testing.client import Client

pytest.importorskip("uvicorn")
from tests.adapters.uvicorn.applications import asking


async def own(scope, receive, send):
    """An ASGI application that knows nothing of Sock."""
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    match scope["path"]:
        case "/denied":
            await send({"type": "websocket.http.response.start", "status": 418, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"no"})
        case "/raises":
            raise LookupError("before it was accepted")
        case "/returns":
            return
        case _:
            await send({"type": "websocket.accept"})
            while (event := await receive())["type"] == "websocket.receive":
                if event["text"] == "raise":
                    raise LookupError("after it was accepted")
                await send({"type": "websocket.send", "text": event["text"]})


def test_an_application_that_is_no_sock_has_uvicorns_own_implementation(run_async, uvicorn_serving):
    async def act():
        async with uvicorn_serving(own, lifespan="off") as host:
            url = f"ws://127.0.0.1:{host.port}"
            async with websockets.connect(f"{url}/echo") as client:
                await client.send("hi")
                assert await client.recv() == "hi"
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"{url}/denied")
            assert refused.value.response.status_code == 418
            for path in ("/raises", "/returns"):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(f"{url}{path}")
                assert refused.value.response.status_code == 500

    run_async(act())


def test_what_uvicorns_own_application_raises_is_logged_by_uvicorn(
    run_async, uvicorn_serving, caplog
):
    async def act():
        async with uvicorn_serving(own, lifespan="off") as host:
            client = await websockets.connect(f"ws://127.0.0.1:{host.port}/")
            await client.send("raise")
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()

    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        run_async(act())
    assert "after it was accepted" in caplog.text


def test_what_came_with_the_handshake_of_another_application_is_not_lost_either(
    run_async, uvicorn_serving
):
    async def act():
        async with uvicorn_serving(own, lifespan="off") as host:
            client = await Client.connect(f"ws://127.0.0.1:{host.port}/", early=("early",))
            async with client:
                assert await client.receive() == "early"

    run_async(act())


def test_an_application_may_ask_for_the_next_event_before_it_accepts(run_async, uvicorn_serving):
    async def eager(scope, receive, send):
        await receive()
        following = asyncio.ensure_future(receive())
        await asyncio.sleep(0.01)
        await send({"type": "websocket.accept"})
        event = await following
        await send({"type": "websocket.send", "text": event["text"]})

    async def act():
        async with uvicorn_serving(eager, lifespan="off") as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())


@pytest.mark.parametrize(
    "wrong", [b"Sec-WebSocket-Version: 12\r\n", b"Origin: http://a\r\nOrigin: http://b\r\n"]
)
def test_what_uvicorn_has_refused_by_itself_does_not_hold_up_its_stop(
    run_async, uvicorn_serving, wrong
):
    async def act():
        async with uvicorn_serving(own, lifespan="off") as host:
            reader, writer = await asking(host.port, wrong)
            assert b" 400 " in await reader.readline()
            async with asyncio.timeout(5):
                await host.stop()
            writer.close()

    run_async(act())
