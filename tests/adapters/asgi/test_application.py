"""`sock.asgi(app)`, on an ASGI server by hand and in real ones."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
import websockets

import sock
from sock import Application, Options, Refuse, Response, Shutdown, Sock, Upgrade
from sock.adapters.asgi import asgi

starlette = pytest.importorskip("starlette")
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect


class Echo(Sock):
    reasons = []

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


@pytest.fixture(autouse=True)
def _forget_reasons():
    Echo.reasons.clear()


CONNECT = {"type": "websocket.connect"}


def test_it_is_found_under_the_package():
    assert sock.asgi is asgi


def test_a_connection_is_accepted_and_lives(run_async, asgi_scope):
    async def act():
        scope = asgi_scope(asgi(Echo))
        scope.tell(CONNECT, {"type": "websocket.receive", "text": "hi"})
        scope.tell({"type": "websocket.receive", "bytes": b"hi", "text": None})
        scope.tell({"type": "websocket.disconnect", "code": 1001, "reason": "bye"})
        await scope.task
        assert scope.told == [
            {"type": "websocket.accept", "subprotocol": None, "headers": []},
            {"type": "websocket.send", "text": "hi"},
            {"type": "websocket.send", "bytes": b"hi"},
        ]
        assert Echo.reasons == [sock.Remote(1001, "bye")]

    run_async(act())


def test_subprotocol_and_headers_are_on_the_acceptance(run_async, asgi_scope):
    def app(request):
        return Upgrade(Echo(request), subprotocol="b", headers={"X-Kind": "chosen"})

    async def act():
        scope = asgi_scope(asgi(app), subprotocols=["a", "b"])
        scope.tell(CONNECT)
        accepted = await scope.until(1)
        assert accepted["subprotocol"] == "b"
        assert accepted["headers"] == [(b"x-kind", b"chosen")]
        scope.tell({"type": "websocket.disconnect"})
        await scope.task

    run_async(act())


def test_a_peer_that_has_gone_before_is_not_asked_about(run_async, asgi_scope):
    async def act():
        scope = asgi_scope(asgi(Echo))
        scope.tell({"type": "websocket.disconnect", "code": 1006})
        await scope.task
        assert scope.told == []

    run_async(act())


def as_a_function(request):
    return Echo(request)


DENIAL = {"websocket.http.response": {}}


@pytest.mark.parametrize(
    ("app", "status"),
    [
        (lambda _: Response(404, "no"), 404),
        (lambda _: (_ for _ in ()).throw(Refuse(401)), 401),
        (lambda _: (_ for _ in ()).throw(LookupError()), 500),
        (lambda _: 7, 500),
        (lambda request: Upgrade(Echo(request), subprotocol="never-offered"), 500),
    ],
)
def test_a_refusal_is_what_the_server_can_say(run_async, app, status, asgi_scope):
    async def act():
        scope = asgi_scope(asgi(app), extensions=DENIAL)
        scope.tell(CONNECT)
        await scope.task
        start, body = scope.told
        assert start["type"] == "websocket.http.response.start"
        assert start["status"] == status
        assert body["type"] == "websocket.http.response.body"
        scope = asgi_scope(asgi(app))
        scope.tell(CONNECT)
        await scope.task
        assert scope.told == [{"type": "websocket.close"}]

    run_async(act())


def test_another_sites_page_is_refused_and_no_handler_is_made(run_async, asgi_scope):
    made = []

    class Counts(Echo):
        def __init__(self, request):
            made.append(request)

    headers = [(b"host", b"here"), (b"origin", b"https://evil.example")]

    async def act(app):
        scope = asgi_scope(app, headers=headers, extensions=DENIAL)
        scope.tell(CONNECT)
        return (await scope.until(1)), scope

    async def refused():
        told, scope = await act(asgi(Counts))
        assert told["status"] == 403
        await scope.task
        told, scope = await act(asgi(as_a_function))
        assert told["status"] == 403
        await scope.task
        told, scope = await act(asgi(Counts, options=Options(origins="*")))
        assert told["type"] == "websocket.accept"
        scope.tell({"type": "websocket.disconnect"})
        await scope.task

    run_async(refused())
    assert len(made) == 1


def test_an_ordinary_request_has_an_ordinary_answer(run_async, asgi_scope):
    def app(request):
        match request.path:
            case "/hello":
                return Response(200, "hello", {"X-Kind": "text"})
            case "/nothing":
                return Response(204)
            case _:
                return Echo(request)

    async def act():
        found = {}
        for path in ("/hello", "/nothing", "/echo"):
            scope = asgi_scope(asgi(app), "http", path=path, method="GET")
            await scope.task
            start, body = scope.told
            found[path] = start["status"], dict(start["headers"]), body["body"]
        assert found["/hello"] == (
            200,
            {
                b"x-kind": b"text",
                b"content-type": b"text/plain; charset=utf-8",
                b"content-length": b"5",
            },
            b"hello",
        )
        assert found["/nothing"] == (204, {}, b"")
        assert found["/echo"][0] == 426
        scope = asgi_scope(asgi(Echo), "http", method="GET")
        await scope.task
        assert scope.told[0]["status"] == 426

    run_async(act())


def test_the_end_of_the_lifespan_drains(run_async, asgi_scope):
    async def act():
        application = asgi(Echo)
        lifespan = asgi_scope(application, "lifespan")
        lifespan.tell({"type": "lifespan.startup"})
        assert await lifespan.until(1) == {"type": "lifespan.startup.complete"}
        scope = asgi_scope(application)
        scope.tell(CONNECT)
        await scope.until(1)
        lifespan.tell({"type": "lifespan.shutdown"})
        await lifespan.task
        assert lifespan.told[-1] == {"type": "lifespan.shutdown.complete"}
        assert scope.told[-1] == {
            "type": "websocket.close",
            "code": 1012,
            "reason": "the server restarts",
        }
        await scope.task
        assert Echo.reasons == [Shutdown()]

    run_async(act())


def test_what_is_not_known_is_refused(run_async, asgi_scope):
    async def act():
        with pytest.raises(ValueError, match="'telepathy'"):
            await asgi_scope(asgi(Echo), "telepathy").task

    run_async(act())


def test_mounted_it_sees_the_rest_of_the_path():
    def app(request):
        return Echo(request) if request.path == "/rooms/7" else Response(404)

    client = TestClient(Starlette(routes=[Mount("/chat", asgi(app))]))
    with client.websocket_connect("/chat/rooms/7") as session:
        session.send_text("hi")
        assert session.receive_text() == "hi"


def test_a_route_serves_its_path_and_a_mount_what_is_below():
    """As the documentation says: Starlette redirects HTTP only."""
    from starlette.applications import Starlette
    from starlette.middleware.cors import CORSMiddleware
    from starlette.routing import Mount
    from starlette.testclient import TestClient, WebSocketDenialResponse

    app = Starlette(
        routes=[WebSocketRoute("/echo", asgi(Echo)), Mount("/echoes", asgi(Echo))],
    )
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    client = TestClient(app)
    for path in ("/echo", "/echoes/", "/echoes/below"):
        with client.websocket_connect(path) as websocket:
            websocket.send_text("hi")
            assert websocket.receive_text() == "hi"
    for path in ("/echo/", "/echoes"):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(path):
            pass
    # CORSMiddleware lets no Origin in.
    headers = {"Origin": "https://elsewhere.example"}
    with pytest.raises(WebSocketDenialResponse) as denied:
        with client.websocket_connect("/echo", headers=headers):
            pass
    assert denied.value.status_code == 403


# The lifespan of an application.


def living(journal, fails=""):
    @asynccontextmanager
    async def lifespan():
        journal.append("enters")
        task = asyncio.current_task()
        if fails == "startup":
            raise RuntimeError("no database")
        try:
            yield {"pool": "a pool"}
        finally:
            journal.append("leaves" if asyncio.current_task() is task else "elsewhere")
            if fails == "shutdown":
                raise RuntimeError("no goodbye")

    return lifespan


def tells_its_state(request):
    return Response(200, request.state["pool"])


STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


@pytest.mark.parametrize("state", [{}, {"state": {}}], ids=["kept by us", "kept by the server"])
def test_the_lifespan_is_entered_at_the_start_and_left_at_the_end(run_async, state, asgi_scope):
    """[S19.4] [S19.5] [S19.6]"""
    journal = []
    app = asgi(Application(tells_its_state, lifespan=living(journal)))

    async def act():
        live = asgi_scope(app, "lifespan", **state)
        live.tell(STARTUP)
        assert await live.until(1) == {"type": "lifespan.startup.complete"}
        assert journal == ["enters"]
        # As servers do that keep it: a copy for each scope.
        copied = {"state": dict(state["state"])} if state else {}
        asked = asgi_scope(app, "http", method="GET", **copied)
        assert (await asked.until(2))["body"] == b"a pool"
        live.tell(SHUTDOWN)
        await live.task
        assert live.told[1:] == [{"type": "lifespan.shutdown.complete"}]
        assert journal == ["enters", "leaves"]
        late = asgi_scope(app, "http", method="GET")
        assert (await late.until(1))["status"] == 500  # what it yielded is not kept for ever

    run_async(act())


@pytest.mark.parametrize(
    ("phase", "says"), [("startup", "no database"), ("shutdown", "no goodbye")]
)
def test_a_lifespan_that_raises_is_told_to_the_server_with_its_traceback(
    run_async, phase, says, asgi_scope
):
    """[S19.4]"""

    async def act():
        live = asgi_scope(asgi(Echo, lifespan=living([], phase)), "lifespan")
        live.tell(STARTUP, SHUTDOWN)
        await live.task
        failed = live.told[-1]
        assert failed["type"] == f"lifespan.{phase}.failed"
        assert failed["message"].startswith("Traceback")
        assert failed["message"].endswith(f"RuntimeError: {says}\n")
        assert len(live.told) == (1 if phase == "startup" else 2)

    run_async(act())


def test_a_lifespan_that_is_given_goes_before_the_one_that_is_carried(run_async, asgi_scope):
    """[S19.1]"""
    carried, given = [], []
    app = asgi(Application(Echo, lifespan=living(carried)), lifespan=living(given))

    async def act():
        live = asgi_scope(app, "lifespan")
        live.tell(STARTUP, SHUTDOWN)
        await live.task
        assert (carried, given) == ([], ["enters", "leaves"])

    run_async(act())


def test_a_real_server_enters_it_and_the_socks_are_gone_when_it_is_left(run_async, uvicorn_serving):
    """[S19.5]"""
    journal = []

    class Pooled(Sock):
        def __init__(self, request):
            self.pool = request.state["pool"]

        def handle_in(self, message):
            return self.pool

        def terminate(self, reason):
            journal.append(reason)

    async def act():
        app = asgi(Application(Pooled, lifespan=living(journal)))
        async with uvicorn_serving(app) as server:
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/") as client:
                await client.send("?")
                assert await client.recv() == "a pool"
                await server.stop()
        assert journal == ["enters", Shutdown(), "leaves"]

    run_async(act())


def test_what_is_mounted_has_what_the_frameworks_lifespan_yields():
    """[S19.7], as docs/howto/lifespan.md says."""
    journal = []
    lifespan = living(journal)

    class Pooled(Sock):
        def init(self, ref):
            return ref.request.state["pool"]

    @asynccontextmanager
    async def combined(_):
        async with lifespan() as state:
            yield state

    mounted = Mount("/sock", asgi(Application(Pooled, lifespan=lifespan)))
    with TestClient(Starlette(routes=[mounted], lifespan=combined)) as client:
        with client.websocket_connect("/sock/") as socket:
            assert socket.receive_text() == "a pool"
    assert journal == ["enters", "leaves"]


@pytest.mark.parametrize("app", [Echo, as_a_function])
def test_no_valid_handshake_is_no_ordinary_request_either(run_async, app, events, asgi_scope):
    """[S14.1]"""

    async def act():
        # As uvicorn takes it for one: Connection does not name the upgrade.
        headers = [(b"host", b"a"), (b"upgrade", b"websocket"), (b"connection", b"close")]
        scope = asgi_scope(asgi(app), "http", method="GET", headers=headers)
        await scope.task
        start, _ = scope.told
        assert start["status"] == 426
        assert [event for event, _ in events] == ["handshake.refused"]

    run_async(act())


def test_a_valid_handshake_that_a_server_takes_for_a_request_is_asked_about(run_async, asgi_scope):
    async def act():
        headers = [
            *((b"host", b"a"), (b"upgrade", b"websocket"), (b"connection", b"upgrade")),
            (b"sec-websocket-version", b"13"),
            (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        scope = asgi_scope(asgi(Echo), "http", method="GET", headers=headers)
        await scope.task
        start, _ = scope.told
        assert start["status"] == 426

    run_async(act())
