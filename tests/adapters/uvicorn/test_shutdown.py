"""uvicorn's shutdown: Socks end within its bound, and nobody else holds it up."""

from __future__ import annotations

import asyncio
import logging

import pytest
import websockets

import sock
from sock import Shutdown, Sock, Stream

pytest.importorskip("uvicorn")
from tests.adapters.uvicorn.applications import Echo, asking, in_a_route, upgraded


def test_a_stop_says_1012_to_all_and_waits_for_them(run_async, uvicorn_serving):
    Echo.reasons.clear()

    async def act():
        async with uvicorn_serving(sock.asgi(Echo), timeout_graceful_shutdown=5) as host:
            url = f"ws://127.0.0.1:{host.port}/"
            clients = await asyncio.gather(*(websockets.connect(url) for _ in range(20)))
            await host.stop()
            for client in clients:
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await client.recv()
                assert closed.value.rcvd.code == 1012
        assert Echo.reasons == [Shutdown()] * 20

    run_async(act())


@pytest.mark.parametrize("says", ["websocket.accept", "websocket.close", "websocket.receive"])
def test_a_stop_answers_503_to_whoever_is_not_answered_yet_and_waits_for_nobody(
    run_async, uvicorn_serving, caplog, says
):
    asked, stopped = asyncio.Event(), asyncio.Event()
    told = []

    async def slow(scope, receive, send):
        await receive()
        asked.set()
        if says == "websocket.receive":
            told.append(await receive())
            return
        await stopped.wait()
        await send({"type": says})

    async def act():
        async with uvicorn_serving(slow, lifespan="off") as host:
            reader, writer = await asking(host.port)
            await asked.wait()
            stopping = asyncio.ensure_future(host.stop())
            assert b" 503 " in await reader.readline()
            stopped.set()
            await stopping
            writer.close()

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""
    assert told in ([], [{"type": "websocket.disconnect", "code": 1006}])


def test_a_route_that_accepts_behind_the_stop_is_no_news(run_async, uvicorn_serving, caplog):
    asked, stopped = asyncio.Event(), asyncio.Event()

    async def slow(websocket):
        asked.set()
        await stopped.wait()
        await upgraded(websocket)

    async def act():
        async with uvicorn_serving(in_a_route(slow)) as host:
            reader, writer = await asking(host.port)
            await asked.wait()
            stopping = asyncio.ensure_future(host.stop())
            assert b" 503 " in await reader.readline()
            stopped.set()
            await stopping
            writer.close()

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""


def test_a_reload_waits_a_second_for_what_does_not_end(run_async, uvicorn_serving):
    async def for_ever():
        while True:
            await asyncio.sleep(0.1)
            yield "more"

    class Streams(Echo):
        def init(self, ref):
            return Stream(for_ever())

    async def act():
        async with uvicorn_serving(sock.asgi(Streams), reload=True) as host:
            async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                await client.recv()
                async with asyncio.timeout(5):
                    await host.stop()

    run_async(act())


@pytest.mark.parametrize("way", ["waits", "swallows", "terminate waits", "peer is deaf"])
def test_a_stop_ends_within_uvicorns_bound_whatever_a_handler_does(
    run_async, uvicorn_serving, reactor_kind, way
):
    """[S7.8]"""
    left = asyncio.Event()
    reasons = []

    class Stays(Sock):
        async def handle_in(self, message):
            while not left.is_set():
                try:
                    await left.wait()
                except asyncio.CancelledError:
                    if way != "swallows":
                        raise

        def terminate(self, reason):
            reasons.append(reason)
            return left.wait() if way == "terminate waits" else None

    async def act():
        loop = asyncio.get_running_loop()
        async with uvicorn_serving(sock.asgi(Stays), timeout_graceful_shutdown=2) as host:
            url = f"ws://127.0.0.1:{host.port}/"
            async with websockets.connect(url, close_timeout=0) as client:
                await client.send("begin")
                await (await client.ping())  # the message has been taken
                if way == "peer is deaf":
                    client.transport.pause_reading()
                began = loop.time()
                await host.stop()
                assert loop.time() - began < 3
                assert reasons == [Shutdown()]
                left.set()

    run_async(act())
