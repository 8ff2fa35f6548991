"""aiohttp: its socket is taken over in a route handler."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest
import websockets

from sock import Options, Refuse, Response, Sock, Upgrade
from sock.testing import contract
from tests.adapters.peers import HANDSHAKE

web = pytest.importorskip("aiohttp.web")
from sock.adapters import aiohttp as adapter


class Echo(Sock):
    def handle_in(self, message):
        return message


@contextlib.asynccontextmanager
async def serving(*routes, ssl_context=None, cancelling=False, setup=True, middlewares=()):
    app = web.Application(middlewares=middlewares)
    for path, route in routes:
        app.router.add_route("*", path, route)
    if setup:
        adapter.setup(app, contract.DRAIN_BOUND)
    runner = web.AppRunner(app, handler_cancellation=cancelling)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)
    await site.start()
    try:
        yield runner, runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.one_form
@pytest.mark.timeout(170)
@pytest.mark.parametrize(
    ("loop_kind", "cancelling"), [("asyncio", False), ("uvloop", True)], indirect=["loop_kind"]
)
def test_all_of_the_contract_holds(
    run_async, prove, reactor_kind, loop_kind, cancelling, monkeypatch
):
    # aiohttp's access log has whole targets, and the contract looks into the log of the process.
    monkeypatch.setattr(logging.getLogger("aiohttp.access"), "disabled", True)

    async def act():
        route = adapter.handler(contract.app)
        async with serving(("/{path:.*}", route), cancelling=cancelling) as (runner, port):
            skipped = await prove(port, limits=["heads", "lifespan"], drain=runner.cleanup)
            assert 0 < len(skipped) < 8

    run_async(act())


def test_an_application_sees_its_host(run_async, says_host, host_on):
    """[S0.3] [S0.8]"""

    async def act():
        async with serving(("/", adapter.handler(says_host))) as (_, port):
            host = await host_on(port)
            assert host == adapter.HOST
            assert host.name == "aiohttp"
            assert not {"S5.3", "S7.8", "S11.1"} & host.declared

    run_async(act())


def test_a_route_upgrades_where_the_framework_has_done_its_part(run_async, reactor_kind):
    async def room(request):
        if "name" not in request.query:
            raise web.HTTPUnauthorized
        return await adapter.upgrade(
            request,
            Echo(None),
            Options(max_message_size=10),
            subprotocol="b",
            headers={"X-Room": request.match_info["room"]},
        )

    async def act():
        async with serving(("/rooms/{room}", room)) as (_, port):
            url = f"ws://127.0.0.1:{port}/rooms/red"
            async with websockets.connect(f"{url}?name=ada", subprotocols=["a", "b"]) as client:
                assert client.response.headers["X-Room"] == "red"
                assert client.subprotocol == "b"
                await client.send("hi")
                assert await client.recv() == "hi"
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(url)
            assert refused.value.response.status_code == 401
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"{url}?name=eve", origin="https://evil.example")
            assert refused.value.response.status_code == 403

    run_async(act())


def test_aiohttp_forgets_a_connection_that_has_ended(run_async, reactor_kind):
    async def act():
        async with serving(("/", adapter.handler(Echo))) as (runner, port):
            async with websockets.connect(f"ws://127.0.0.1:{port}/"):
                assert len(runner.server.connections) == 1
            while runner.server.connections:
                await asyncio.sleep(0)

    run_async(act())


def test_tls_goes_over_aiohttps_transport(run_async, tls):
    async def act():
        route = adapter.handler(Echo)
        async with serving(("/", route), ssl_context=tls.server) as (_, port):
            async with websockets.connect(f"wss://127.0.0.1:{port}/", ssl=tls.client) as client:
                await client.send("x" * 100_000)
                assert await client.recv() == "x" * 100_000

    run_async(act())


def test_what_is_no_upgrade_is_answered_in_the_ordinary_way(run_async):
    import aiohttp

    def app(request):
        match request.path:
            case "/text":
                return Response(200, "hello", {"X-Kind": "text"})
            case "/bytes":
                return Response(201, b"\0")
            case "/refused":
                raise Refuse(402, "pay")
            case "/raises":
                raise LookupError
            case "/bad":
                return Upgrade(Echo(request), subprotocol="never-offered")
            case _:
                return Echo(request)

    async def act():
        async with (
            serving(("/only", adapter.handler(Echo)), ("/{path}", adapter.handler(app))) as (
                _,
                port,
            ),
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
        ):
            found = {}
            for path in ("/text", "/bytes", "/refused", "/raises", "/echo", "/only"):
                async with client.get(path) as answer:
                    found[path] = answer.status, await answer.read()
            assert found["/text"] == (200, b"hello")
            assert found["/bytes"] == (201, b"\0")
            assert found["/refused"] == (402, b"pay")
            assert found["/raises"][0] == 500
            assert found["/echo"][0] == found["/only"][0] == 426
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{port}/bad")
            assert refused.value.response.status_code == 500

    run_async(act())


def test_an_object_of_another_framework_is_one_clear_error(run_async):
    async def act():
        with pytest.raises(TypeError, match=r"takes the web\.Request .* not a builtins\.dict"):
            await adapter.upgrade({}, Echo(None))

    run_async(act())


class Where(Sock):
    def init(self, ref):
        return repr((ref.request.client, ref.request.server))


def asking(path="/", *, method="GET", **changed):
    """Return a handshake's bytes, some of its fields changed or left out."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    fields.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def answering(request):
    match request.path:
        case "/hosted/refused":
            raise Refuse(401, "who are you?")
        case "/hosted/missing":
            return Response(404)
        case "/hosted/raises":
            raise LookupError
        case _:
            return Echo(request)


async def door(request):
    match request.match_info["what"]:
        case "itself":
            raise web.HTTPUnauthorized
        case "answers":
            return web.Response(text="no")
        case "refuses":
            raise Refuse(402, "pay", {"X-Price": "7"})
        case "late":
            answer = web.StreamResponse()
            await answer.prepare(request)
            await answer.write(b"the beginning")
            raise Refuse(402)
        case "behind":
            await adapter.upgrade(request, Echo(None))
            raise Refuse(402)
        case "chooses":
            return await adapter.upgrade(request, Echo(None), subprotocol="never-offered")
        case _:
            return await adapter.upgrade(request, Echo(None))


seen_paths = []


async def seen(request):
    seen_paths.append(request.match_info["path"])
    return web.Response(text="seen")


ROUTES = (
    ("/hosted/{path:.*}", adapter.handler(answering)),
    ("/door/{what}", door),
    ("/seen/{path}", seen),
)

REFUSED = [
    (asking("/hosted/", Sec_WebSocket_Key="short"), 400),
    (asking("/hosted/refused"), 401),
    (asking("/hosted/", Origin="https://evil.example"), 403),
    (asking("/hosted/missing"), 404),
    (asking("/hosted/", Sec_WebSocket_Version="8"), 426),
    (asking("/hosted/", Connection="keep-alive"), 426),
    (asking("/hosted/raises"), 500),
    (asking("/door/in", Origin="https://evil.example"), 403),
    (asking("/door/in", Connection="keep-alive"), 426),
]
BY_ITSELF = [
    (asking("/door/chooses"), 500),
    (asking("/door/refuses"), 402),
    (asking("/door/refuses", Connection="keep-alive"), 402),
    (asking("/door/itself"), 401),
    (asking("/door/itself", Connection="keep-alive"), 401),
    (asking("/door/answers", Connection="keep-alive"), 200),
    (asking("/hosted/", method="POST"), 400),
    (asking("/nowhere"), 404),
    (asking("/nowhere", Connection="keep-alive"), 404),
]
FOLLOWING = [
    b"GET /seen/behind HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    asking("/door/in"),
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
    ("asked", "status", "setup"),
    [(*one, setup) for one in REFUSED for setup in (True, False)]
    + [(*one, True) for one in BY_ITSELF],
)
def test_what_follows_a_refused_upgrade_is_never_a_request(
    run_async, asked, status, setup, following, whole
):
    """[S14.4]"""

    async def act():
        seen_paths.clear()
        async with serving(*ROUTES, setup=setup) as (_, port):
            pieces = (asked + following,) if whole else (asked, following)
            said = await everything(port, *pieces)
            assert said.startswith(b"HTTP/1.1 %d " % status)
            assert said.count(b"HTTP/1.1 ") == 1
            assert seen_paths == []

    run_async(act())


def test_an_ordinary_request_may_be_followed_by_another(run_async):
    async def act():
        seen_paths.clear()
        async with serving(*ROUTES) as (_, port):
            plain = "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
            paths = ("/hosted/missing", "/door/refuses", "/nowhere", "/seen/one", "/hosted/")
            asked = [plain % (path, "") for path in paths]
            asked.append(plain % ("/seen/two", "Connection: close\r\n"))
            said = await everything(port, "".join(asked).encode())
            statuses = [int(line[:3]) for line in said.split(b"HTTP/1.1 ")[1:]]
            assert statuses == [404, 402, 404, 200, 426, 200]
            assert seen_paths == ["one", "two"]

    run_async(act())


def test_aiohttps_own_websockets_live_behind_setup(run_async):
    async def theirs(request):
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        async for message in answer:
            await answer.send_str(message.data)
        return answer

    async def act():
        async with serving(("/theirs", theirs)) as (_, port):
            async with websockets.connect(f"ws://127.0.0.1:{port}/theirs") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())


def test_a_route_and_middleware_may_raise_refuse(run_async, caplog, events):
    """[S1.12]"""
    import aiohttp

    class Guarded(Sock):
        def __init__(self, request):
            raise Refuse(403, "members only")

    async def made(request):
        return await adapter.upgrade(request, Guarded(None))

    @web.middleware
    async def marks(request, handler):
        if "stranger" in request.query:
            raise Refuse(401, "who are you?")
        answer = await handler(request)
        answer.headers["X-Marked"] = "yes"
        return answer

    async def act():
        routes = ("/made", made), *ROUTES
        async with serving(*routes, middlewares=[marks]) as (_, port):
            found = {}
            for path in ("/made", "/made?stranger", "/door/refuses"):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(f"ws://127.0.0.1:{port}{path}")
                response = refused.value.response
                marked = "X-Marked" in response.headers
                found[path] = response.status_code, response.body, marked
            assert found == {
                "/made": (403, b"members only", True),
                "/made?stranger": (401, b"who are you?", False),
                "/door/refuses": (402, b"pay", True),
            }
            assert response.headers["X-Price"] == "7"
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
                async with client.get("/door/refuses") as answer:
                    assert (answer.status, await answer.read()) == (402, b"pay")

    run_async(act())
    told = [(name, fields["status"]) for name, fields in events if name.startswith("handshake.")]
    assert told == [("handshake.refused", status) for status in (403, 401, 402, 402)]
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]


def test_a_refusal_that_comes_too_late_is_an_error(run_async, caplog):
    async def act():
        async with serving(*ROUTES) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(asking("/door/late", Upgrade=None))
            await reader.readuntil(b"the beginning")
            writer.close()
            async with websockets.connect(f"ws://127.0.0.1:{port}/door/behind") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())
    assert [one.exc_info[0] for one in caplog.records if one.exc_info] == [Refuse, Refuse]


def test_a_peer_that_leaves_unnoticed_is_no_error(run_async, caplog, events, reactor_kind, leaving):
    """It goes while the route runs, so aiohttp has not seen it yet."""

    async def room(request):
        return await leaving.in_route(lambda handler: adapter.upgrade(request, handler))

    async def act():
        async with serving(("/", room)) as (_, port):
            await leaving.connect(port)

    run_async(act())
    leaving.check()
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]
    assert "handshake.failed" not in [name for name, _ in events]


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("whole", [False, True])
def test_without_descriptors_it_goes_over_aiohttps_transport(
    run_async, caplog, few_descriptors, left, whole
):
    async def act():
        async def room(request):
            few_descriptors(left)
            return await adapter.upgrade(request, Echo(None))

        async def app(request):
            few_descriptors(left)
            return Echo(request)

        route = adapter.handler(app) if whole else room
        async with serving(("/", route)) as (runner, port):
            client = await websockets.connect(f"ws://127.0.0.1:{port}/")
            for message in ("hi", "x" * 100_000):
                await client.send(message)
                assert await client.recv() == message
            await runner.cleanup()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    run_async(act())
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]


@pytest.mark.parametrize("told", [True, False])
def test_the_client_is_the_one_that_middleware_has_found_out(run_async, told):
    async def room(request):
        request = request.clone(remote="203.0.113.9") if told else request
        return await adapter.upgrade(request, Where(None))

    async def act():
        async with (
            serving(("/", room)) as (_, port),
            websockets.connect(f"ws://127.0.0.1:{port}/") as client,
        ):
            own = client.local_address[:2]
            assert await client.recv() == repr(
                (("203.0.113.9", 0) if told else own, ("127.0.0.1", port))
            )

    run_async(act())


def test_an_upgrade_after_an_answer_has_begun_says_so(run_async, caplog):
    async def late(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"the beginning")
        return await adapter.upgrade(request, Echo(None))

    async def act():
        async with serving(("/", late)) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            said = await reader.read()
            writer.close()
            assert said.startswith(b"HTTP/1.1 200 ")
            assert b"101 Switching" not in said

    run_async(act())
    assert "an answer to this request has begun" in caplog.text


@pytest.mark.parametrize("whole", [False, True])
def test_a_peer_that_leaves_while_the_route_thinks_is_no_error(run_async, caplog, whole):
    caplog.set_level("INFO", "aiohttp.access")

    async def act():
        thinks, done = asyncio.Event(), asyncio.Event()

        async def think(gone):
            thinks.set()
            while not gone():
                await asyncio.sleep(0)

        async def room(request):
            await think(lambda: request.transport is None)
            return await adapter.upgrade(request, Echo(None))

        async def app(request):
            inner = request.state["aiohttp.request"]
            await think(lambda: inner.transport is None)
            return Echo(request)

        route = adapter.handler(app) if whole else room

        async def noted(request):
            try:
                return await route(request)
            finally:
                done.set()

        async with serving(("/", noted)) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            await thinks.wait()
            writer.transport.abort()
            await done.wait()

    run_async(act())
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert '"GET / HTTP/1.1" 499 ' in caplog.text
