"""Taking a connection over from Tornado: descriptors, and peers that leave meanwhile."""

from __future__ import annotations

import asyncio

import pytest
import websockets

pytest.importorskip("tornado")
from tornado import iostream
from tornado.web import RequestHandler

from sock.adapters import tornado as adapter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


from tests.adapters.peers import HANDSHAKE
from tests.adapters.tornado.serving import Echo, serving


def test_an_object_of_another_framework_is_one_clear_error(run_async):
    async def act():
        with pytest.raises(TypeError, match=r"takes the RequestHandler .* not a builtins\.dict"):
            await adapter.upgrade({}, Echo(None))

    run_async(act())


@pytest.mark.parametrize("over_stream", [False, True])
def test_a_peer_that_leaves_unnoticed_is_no_error(
    run_async, caplog, events, reactor_kind, monkeypatch, leaving, over_stream
):
    """[S1.8] It goes while the route runs, so Tornado has not seen it yet."""
    if over_stream:  # as over TLS
        monkeypatch.setattr(iostream, "SSLIOStream", iostream.IOStream)

    class Room(RequestHandler):
        async def get(self):
            await leaving.in_route(lambda handler: adapter.upgrade(self, handler))

    async def act():
        async with serving((r"/", Room)) as (_, port):
            await leaving.connect(port)

    run_async(act())
    leaving.check()
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]
    assert "handshake.failed" not in [name for name, _ in events]


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("whole", [False, True])
def test_without_descriptors_it_goes_over_tornados_stream(
    run_async, caplog, few_descriptors, left, whole
):
    async def act():
        class Room(RequestHandler):
            async def get(self):
                few_descriptors(left)
                await adapter.upgrade(self, Echo(None))

        async def app(request):
            few_descriptors(left)
            return Echo(request)

        route = adapter.hosting(app) if whole else Room
        async with serving((r"/", route)) as (stop, port):
            client = await websockets.connect(f"ws://127.0.0.1:{port}/")
            for message in ("hi", "x" * 100_000):
                await client.send(message)
                assert await client.recv() == message
            await stop()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]


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
