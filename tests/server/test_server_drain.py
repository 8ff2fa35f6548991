"""The orderly end: what every kind of connection sees of it, on both reactors."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
import websockets

import sock
from sock import Normal, Options, Response, Shutdown, Sock, Stream

pytestmark = pytest.mark.usefixtures("reactor_kind", "loop_kind")

PLAIN = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Quiet(Sock):
    pass


async def close_code(client):
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await client.recv()
    return closed.value.rcvd.code


def test_every_sock_is_told_1012_whether_it_has_traffic_or_not(run_async):
    async def act():
        options = Options(drain_batch=3, drain_interval=0.01)
        async with sock.serve(Quiet, options=options) as server:
            url = f"ws://127.0.0.1:{server.port}/"
            clients = await asyncio.gather(*(websockets.connect(url) for _ in range(10)))
            await server.drain()
            assert [await close_code(client) for client in clients] == [1012] * 10
            assert server.connections == 0

    run_async(act())


def test_terminate_is_told_of_the_shutdown_before_the_drain_is_done(run_async):
    reasons = []

    class Notes(Sock):
        async def terminate(self, reason):
            await asyncio.sleep(0)
            reasons.append(reason)

    async def act():
        async with sock.serve(Notes) as server:
            client = await websockets.connect(f"ws://127.0.0.1:{server.port}/")
            await server.drain()
            assert reasons == [Shutdown()]
            assert await close_code(client) == 1012

    run_async(act())


def test_what_is_under_way_is_finished_and_sent_before_1012(run_async):
    async def act():
        begun, go = asyncio.Event(), asyncio.Event()

        class Works(Sock):
            async def handle_in(self, message):
                begun.set()
                await go.wait()
                return "done"

        async with sock.serve(Works) as server:
            client = await websockets.connect(f"ws://127.0.0.1:{server.port}/")
            await client.send("work")
            await begun.wait()
            draining = asyncio.ensure_future(server.drain())
            await asyncio.sleep(0)
            go.set()
            assert await client.recv() == "done"
            assert await close_code(client) == 1012
            await draining

    run_async(act())


def test_nothing_is_accepted_any_more(run_async):
    async def act():
        async with sock.serve(Quiet) as server:
            await server.drain()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", server.port)

    run_async(act())


def test_idle_connections_are_closed_at_once(run_async, connect):
    async def act():
        async with (
            sock.serve(lambda request: Response()) as server,
            await connect(server) as silent,
            await connect(server) as idle,
        ):
            idle.send(PLAIN)
            await idle.answer()
            await server.drain()
            assert await silent.rest() == b""
            assert await idle.rest() == b""

    run_async(act())


def test_an_answer_under_way_is_finished_and_is_the_last(run_async, connect, told):
    async def act():
        asked, go = asyncio.Event(), asyncio.Event()

        async def app(request):
            asked.set()
            await go.wait()
            return Response(200, "done")

        async with sock.serve(app) as server, await connect(server) as client:
            client.send(PLAIN + PLAIN)
            await asked.wait()
            began = told("server.draining")
            draining = asyncio.ensure_future(server.drain())
            await began.wait()
            go.set()
            got = await client.answer()
            assert (got.body, got.headers["connection"]) == (b"done", "close")
            assert await client.rest() == b""
            client.hang_up()
            await draining

    run_async(act())


def test_a_request_that_has_begun_may_still_be_asked(run_async, connect, told):
    async def act():
        async with (
            sock.serve(lambda request: Response()) as server,
            await connect(server) as client,
        ):
            client.send(PLAIN + PLAIN[:20])
            await client.answer()
            began = told("server.draining")
            draining = asyncio.ensure_future(server.drain())
            await began.wait()
            client.send(PLAIN[20:])
            assert (await client.answer()).headers["connection"] == "close"
            client.hang_up()
            await draining

    run_async(act())


def test_the_health_of_a_server_that_is_stopping_is_503(run_async, connect, told):
    """On a connection whose request has begun; who comes anew finds the port closed."""
    asked = PLAIN.replace(b" / ", b" /healthz ")

    async def act():
        async with (
            sock.serve(lambda request: Response(), health="/healthz") as server,
            await connect(server) as client,
        ):
            client.send(asked + asked[:20])
            assert (await client.answer()).status == 200
            began = told("server.draining")
            draining = asyncio.ensure_future(server.drain())
            await began.wait()
            client.send(asked[20:])
            got = await client.answer()
            assert (got.status, got.body) == (503, b"stopping")
            assert got.headers["connection"] == "close"
            client.hang_up()
            await draining

    run_async(act())


def test_a_handshake_under_way_is_refused_with_503(run_async, connect, told):
    made = []

    class Made(Sock):
        def __init__(self, request):
            made.append(self)

    def app(request):
        return Made(request) if "upgrade" in request.headers else Response()

    async def act():
        async with sock.serve(app) as server, await connect(server) as client:
            client.send(PLAIN + UPGRADE[:20])
            await client.answer()
            began = told("server.draining")
            draining = asyncio.ensure_future(server.drain())
            await began.wait()
            client.send(UPGRADE[20:])
            got = await client.answer()
            assert got.status == 503
            assert "retry-after" in got.headers
            assert made == []
            client.hang_up()
            await draining

    run_async(act())


def test_a_handshake_that_is_answered_too_late_is_refused_with_503(run_async, connect, told):
    async def act():
        asked, go = asyncio.Event(), asyncio.Event()

        async def app(request):
            asked.set()
            await go.wait()
            return Quiet(request)

        async with sock.serve(app) as server, await connect(server) as client:
            client.send(UPGRADE)
            await asked.wait()
            began = told("server.draining")
            draining = asyncio.ensure_future(server.drain())
            await began.wait()
            go.set()
            assert (await client.answer()).status == 503
            client.hang_up()
            await draining

    run_async(act())


def test_those_that_take_too_long_are_cut_and_counted(run_async, connect, events):
    reasons = []

    async def act():
        asked = asyncio.Event()

        async def app(request):
            if "upgrade" in request.headers:
                return Stubborn(request)
            asked.set()
            return await asyncio.Event().wait()

        class Stubborn(Sock):
            async def handle_in(self, message):
                await asyncio.Event().wait()

            def terminate(self, reason):
                reasons.append(reason)

        options = Options(drain_timeout=2)
        async with (
            sock.serve(app, options=options) as server,
            await connect(server) as live,
            await connect(server) as asking,
        ):
            live.send(UPGRADE)
            assert (await live.answer()).status == 101
            live.push("begin")
            asking.send(PLAIN)
            await asked.wait()
            await server.drain()
            # The callback was cut short in time for the peer to be told.
            told = await live.next()
            assert told is not None
            assert told.code == 1012
            assert await asking.over()
        assert reasons == [Shutdown()]
        [stopped] = [fields for event, fields in events if event == "server.stopped"]
        assert stopped["connections"] == 2
        cut = {fields["held_by"]: fields for event, fields in events if event == "drain.cut"}
        assert set(cut) == {"callback", "application"}
        assert cut["callback"]["place"].endswith("Stubborn.handle_in")
        assert cut["callback"]["seconds"] > 1
        assert cut["application"]["request"].path == "/"

    run_async(act())


def test_draining_twice_waits_for_the_same_end(run_async):
    async def act():
        async with sock.serve(Quiet) as server:
            client = await websockets.connect(f"ws://127.0.0.1:{server.port}/")
            closed = asyncio.ensure_future(server.wait_closed())
            await asyncio.gather(server.drain(), server.drain(1))
            await closed
            assert await close_code(client) == 1012

    run_async(act())


def test_whoever_waits_for_the_drain_may_be_cancelled(run_async):
    async def act():
        async with sock.serve(Quiet) as server:
            client = await websockets.connect(f"ws://127.0.0.1:{server.port}/")
            waiting = asyncio.ensure_future(server.drain())
            await asyncio.sleep(0)
            waiting.cancel()
            await server.wait_closed()
            assert await close_code(client) == 1012

    run_async(act())


def test_a_peer_that_closes_meanwhile_is_not_told_twice(run_async):
    reasons = []

    class Notes(Sock):
        def handle_in(self, message):
            return sock.Stop()

        def terminate(self, reason):
            reasons.append(reason)

    async def act():
        async with sock.serve(Notes) as server:
            client = await websockets.connect(f"ws://127.0.0.1:{server.port}/")
            await client.send("stop")
            assert await close_code(client) == 1000
            await server.drain()
        assert reasons == [Normal()]

    run_async(act())


class Holds(Sock):
    """Holds its end up, in the way that its path names."""

    ends = Counter()

    def __init__(self, request):
        self.way = request.path.strip("/")
        self.end = asyncio.Event()

    async def init(self, ref):
        if self.way == "stream":
            return Stream(self.items())
        if self.way == "deaf":
            ref.send(bytes(8 * 1024 * 1024))
        return None

    async def items(self):
        yield "one"
        await asyncio.Event().wait()

    async def handle_in(self, message):
        while not self.end.is_set():
            try:
                await self.end.wait()
            except asyncio.CancelledError:
                if self.way != "swallows":
                    raise
                await asyncio.Event().wait()

    async def terminate(self, reason):
        Holds.ends[self.way] += 1
        if self.way == "terminates":
            await asyncio.Event().wait()


def test_a_drain_names_what_it_cuts_and_each_terminate_is_called_once(run_async, events):
    """[S7.8] [S7.9] [S8.1] [S8.3]"""
    Holds.ends.clear()
    ways = ("callback", "swallows", "stream", "deaf", "terminates")

    async def act():
        loop = asyncio.get_running_loop()
        async with sock.serve(Holds, options=Options(drain_timeout=3)) as server:
            clients = []
            for way in ways:
                url = f"ws://127.0.0.1:{server.port}/{way}"
                client = await websockets.connect(url, max_size=None, max_queue=1)
                clients.append(client)
                if way == "deaf":
                    client.transport.pause_reading()
                elif way != "stream":
                    await client.send("begin")
                    await (await client.ping())
            began = loop.time()
            await server.drain()
            assert loop.time() - began < 3 + 1 + 10  # a busy machine
            assert server.connections == 0
            for client in clients:
                client.transport.abort()
        assert Holds.ends == dict.fromkeys(ways, 1)

    run_async(act())
    cut = [fields for event, fields in events if event == "drain.cut"]
    kinds = {(one["held_by"], one["place"].rpartition(".")[2]): one for one in cut}
    assert kinds.keys() == {("callback", "handle_in"), ("stream", "init"), ("peer", "")}
    assert kinds["callback", "handle_in"]["connections"] == 3
    assert kinds["callback", "handle_in"]["seconds"] > 2
    assert kinds["peer", ""]["pending"] > 0
    assert {one["handler"] for one in cut} == {"Holds"}
    [stopped] = [fields for event, fields in events if event == "server.stopped"]
    assert stopped["connections"] == 5
