"""websockets' asyncio server: as its handler, over its own wire."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import websockets
from websockets.asyncio.server import serve

from sock import (
    Options,
    Refuse,
    Response,
    Upgrade,
)
from sock.adapters import websockets as adapter
from sock.testing import contract
from tests.adapters.websockets.serving import Echo, serving

LIMITS = [limit.name for limit in adapter.LIMITS if limit.name in contract.LIMITS]
LIMITS += ["heads", "lifespan", "requests"]


@pytest.mark.one_form
@pytest.mark.timeout(170)
def test_the_contract_holds_but_for_what_is_declared(run_async, prove):
    async def act():
        async with serving(contract.app) as (server, port):

            async def stop():
                server.close(close_connections=False)
                await adapter.drain(contract.DRAIN_BOUND)

            skipped = await prove(port, limits=LIMITS, drain=stop)
            assert 0 < len(skipped) < len(contract.CASES) / 2

    run_async(act())


def test_the_application_is_asked_at_the_handshake(run_async):
    async def app(request):
        match request.path:
            case "/refused":
                raise Refuse(402, "pay")
            case "/answer":
                return Response(200, "hello", {"X-Kind": "text"})
            case "/raises":
                raise LookupError
            case "/bad":
                return Upgrade(Echo(request), subprotocol="never-offered")
            case _:
                return Upgrade(Echo(request), subprotocol="b", headers={"X-Room": "red"})

    async def act():
        async with serving(app) as (_, port):
            url = f"ws://127.0.0.1:{port}"
            async with websockets.connect(f"{url}/", subprotocols=["a", "b"]) as client:
                assert client.subprotocol == "b"
                assert client.response.headers["X-Room"] == "red"
            for path, status in (("refused", 402), ("answer", 200), ("raises", 500), ("bad", 500)):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(f"{url}/{path}")
                assert refused.value.response.status_code == status
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(
                    f"{url}/", subprotocols=["b"], origin="https://evil.example"
                )
            assert refused.value.response.status_code == 403

    run_async(act())


def test_an_ordinary_request_is_told_with_its_method(run_async):
    """[S13.5]"""

    async def act():
        async with serving(lambda request: Response(200, request.method)) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await reader.read()
            writer.close()
            # Releases before 17 refuse the method by themselves.
            assert answer.endswith(b"\r\n\r\nDELETE") or answer.startswith(b"HTTP/1.1 4")

    run_async(act())


@pytest.mark.parametrize(
    ("path", "key"), [("/refused", "AAAAAAAAAAAAAAAAAAAAAA=="), ("/echo", "short")]
)
def test_what_follows_a_refused_upgrade_is_never_a_request(run_async, path, key):
    """[S14.4]"""
    asked = []

    def app(request):
        asked.append(request.path)
        if request.path == "/refused":
            raise Refuse(402, "pay")
        return Echo(request)

    def handshake(path, key):
        return (
            f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    async def act():
        async with serving(app) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(handshake(path, key) + handshake("/behind", "AAAAAAAAAAAAAAAAAAAAAA=="))
            # It ends before the answer: websockets has found fault with what follows meanwhile.
            with contextlib.suppress(ConnectionError):
                assert (await reader.read()).count(b"HTTP/1.1 ") <= 1
            writer.close()
            assert "/behind" not in asked

    run_async(act())


def test_a_handler_of_ones_own_upgrades(run_async):
    async def room(connection):
        await adapter.upgrade(connection, Echo(None))

    async def act():
        async with serve(room, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())


def test_an_object_of_another_framework_is_one_clear_error(run_async):
    async def act():
        with pytest.raises(TypeError, match=r"takes the ServerConnection .* not a builtins\.dict"):
            await adapter.upgrade({}, Echo(None))

    run_async(act())


@pytest.mark.parametrize("size", [1 << 22, None])
def test_a_message_may_be_as_large_as_the_options_say(run_async, size):
    async def act():
        async with serving(Echo, max_message_size=size) as (_, port):
            async with websockets.connect(f"ws://127.0.0.1:{port}/", max_size=None) as client:
                await client.send("x" * (1 << 21))
                assert len(await client.recv()) == 1 << 21

    run_async(act())


@pytest.mark.parametrize(
    ("origin", "of_serve", "options", "code"),
    [
        ("https://evil.example", None, None, 1008),
        ("https://good.example", None, Options(origins=["https://good.example"]), None),
        ("https://good.example", ["https://good.example"], None, None),
        (None, None, None, None),
    ],
)
def test_another_sites_page_is_sent_away_behind_the_handshake(
    run_async, origin, of_serve, options, code
):
    async def room(connection):
        await adapter.upgrade(connection, Echo(None), options)

    async def act():
        async with serve(room, "127.0.0.1", 0, origins=of_serve) as server:
            port = server.sockets[0].getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}/", origin=origin) as client:
                if code is None:
                    await client.send("hi")
                    assert await client.recv() == "hi"
                    return
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await client.recv()
                assert closed.value.rcvd.code == code

    run_async(act())
