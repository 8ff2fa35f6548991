"""The answer to a scope of ASGI, as it passes a middleware: a `Refuse` may stand in its place."""

import asyncio
import http.client

import pytest
import websockets

from sock import Refuse, Sock

quart_ = pytest.importorskip("quart")  # before the adapter, as its documentation says
from sock.adapters import asgi as adapter
from sock.adapters.asgi import Middleware, upgrade

SERVERS = ["sock.adapters.uvicorn:SockProtocol", "websockets-sansio"]


class Echo(Sock):
    def handle_in(self, message):
        return message


class Guarded(Echo):
    """Refuses in its constructor, and lets in who has the word."""

    def __init__(self, word):
        if word != "sesame":
            raise Refuse(401, "who are you?", {"X-Hint": "sesame"})


def fastapi():
    pytest.importorskip("fastapi")
    from typing import Annotated

    from fastapi import Depends, FastAPI, WebSocket

    app = FastAPI()
    app.add_middleware(Middleware)

    async def depends(word: str = ""):
        if word != "sesame":
            raise Refuse(402, "pay")

    @app.websocket("/made")
    async def made(websocket: WebSocket, word: str = ""):
        await upgrade(websocket, Guarded(word))

    @app.websocket("/depends")
    async def depending(websocket: WebSocket, _: Annotated[None, Depends(depends)]):
        await upgrade(websocket, Echo(None))

    @app.get("/page", dependencies=[Depends(depends)])
    async def page():
        return "page"

    return app


def starlette(*, outermost=False):
    pytest.importorskip("starlette")
    from starlette.applications import Starlette
    from starlette.routing import Route, WebSocketRoute

    async def made(websocket):
        await upgrade(websocket, Guarded(websocket.query_params.get("word")))

    async def depends(websocket):
        if "word" not in websocket.query_params:
            raise Refuse(402, "pay")
        await upgrade(websocket, Echo(None))

    async def page(request):
        raise Refuse(402, "pay")

    app = Starlette(
        routes=[
            WebSocketRoute("/made", made),
            WebSocketRoute("/depends", depends),
            Route("/page", page),
        ]
    )
    if outermost:
        return Middleware(app)
    app.add_middleware(Middleware)
    return app


def litestar(*, outermost=False):
    pytest.importorskip("litestar")
    from litestar import Litestar, WebSocket, get, websocket

    async def paid(connection, _):
        if "word" not in connection.query_params:
            raise Refuse(402, "pay")

    @websocket("/made")
    async def made(socket: WebSocket) -> None:
        await upgrade(socket, Guarded(socket.query_params.get("word")))

    @websocket("/depends", guards=[paid])
    async def depends(socket: WebSocket) -> None:
        await upgrade(socket, Echo(None))

    @get("/page")
    async def page() -> str:
        raise Refuse(402, "pay")

    if outermost:
        return Middleware(Litestar([made, depends, page]))
    return Litestar([made, depends, page], middleware=[Middleware])


def quart():
    websocket = quart_.websocket
    app = quart_.Quart(__name__)

    @app.websocket("/made")
    async def made():
        await upgrade(websocket, Guarded(websocket.args.get("word")))

    @app.websocket("/depends")
    async def depends():
        if "word" not in websocket.args:
            raise Refuse(402, "pay")
        await upgrade(websocket, Echo(None))

    return app


FRAMEWORKS = {
    "FastAPI": fastapi,
    "Starlette": starlette,
    "Starlette, outermost": lambda: starlette(outermost=True),
    "Litestar": litestar,
    "Litestar, outermost": lambda: litestar(outermost=True),
    "Quart": quart,
    "Quart, outermost": lambda: Middleware(quart()),
}


@pytest.mark.parametrize("ws", SERVERS)
@pytest.mark.parametrize("make", FRAMEWORKS.values(), ids=FRAMEWORKS)
def test_a_refusal_before_the_upgrade_is_the_answer(
    run_async, uvicorn_serving, events, caplog, make, ws
):
    """[S1.12]"""

    async def act():
        async with uvicorn_serving(make(), ws=ws) as serving:
            url = f"ws://127.0.0.1:{serving.port}"
            for path, expected in (
                ("/made", (401, b"who are you?", "sesame")),
                ("/depends", (402, b"pay", None)),
            ):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(url + path)
                found = refused.value.response
                assert (found.status_code, found.body, found.headers.get("X-Hint")) == expected
                async with websockets.connect(f"{url}{path}?word=sesame") as client:
                    await client.send("hi")
                    assert await client.recv() == "hi"

    run_async(act())
    told = [(name, fields["status"]) for name, fields in events if name.startswith("handshake.")]
    assert told == [("handshake.refused", 401), ("handshake.refused", 402)]
    assert not [one for one in caplog.records if one.exc_info]


@pytest.mark.parametrize("name", [name for name in FRAMEWORKS if "Quart" not in name])
def test_a_refusal_of_an_ordinary_request_is_the_answer_too(
    run_async, uvicorn_serving, caplog, name
):
    async def act():
        async with uvicorn_serving(FRAMEWORKS[name]()) as serving:

            def ask():
                client = http.client.HTTPConnection("127.0.0.1", serving.port)
                client.request("GET", "/page")
                answer = client.getresponse()
                found = answer.status, answer.read()
                client.close()
                return found

            assert await asyncio.to_thread(ask) == (402, b"pay")

    run_async(act())
    assert not [one for one in caplog.records if one.exc_info or one.levelname == "ERROR"]


def test_a_handler_of_quarts_for_refusals_comes_first(run_async, uvicorn_serving):
    app = quart()

    @app.errorhandler(Refuse)
    async def own(refusal):
        return "our own words", refusal.response.status

    async def act():
        async with uvicorn_serving(app) as serving:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{serving.port}/made")
            found = refused.value.response
            assert (found.status_code, found.body) == (401, b"our own words")

    run_async(act())


def test_a_refusal_behind_the_upgrade_of_quarts_is_an_error(run_async, uvicorn_serving, caplog):
    app = quart_.Quart(__name__)

    @app.websocket("/")
    async def route():
        await upgrade(quart_.websocket, Echo(None))
        raise Refuse(401)

    async def act():
        async with uvicorn_serving(app, ws=SERVERS[1]) as serving:
            async with websockets.connect(f"ws://127.0.0.1:{serving.port}/") as client:
                await client.send("hi")
                assert await client.recv() == "hi"

    run_async(act())
    assert [one.exc_info[0] for one in caplog.records if one.exc_info] == [Refuse]


DENIAL = {"websocket.http.response": {}}


async def played(app, scope, *events):
    """Run an application; return what it has said."""
    told, said = list(events), []

    async def receive():
        return told.pop(0)

    async def send(event):
        said.append(event)

    await app(scope, receive, send)
    return said


def scope_of(kind, **more):
    headers = [(b"host", b"localhost")]
    return {"type": kind, "path": "/", "headers": headers, "query_string": b"", **more}


def test_without_the_extension_a_refusal_is_the_servers_403(run_async):
    """[S1.3], as it is declared."""

    async def app(scope, receive, send):
        raise Refuse(403)

    said = run_async(played(Middleware(app), scope_of("websocket")))
    assert said == [{"type": "websocket.close"}]
    assert "S1.3" in adapter.REFUSAL.statements


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("websocket", {"type": "websocket.accept"}),
        ("websocket", {"type": "websocket.close", "code": 4401}),
        ("http", {"type": "http.response.start", "status": 200, "headers": []}),
    ],
)
def test_a_refusal_behind_another_answer_is_an_error(run_async, kind, first):
    async def app(scope, receive, send):
        await send(first)
        raise Refuse(401)

    with pytest.raises(Refuse):
        run_async(played(Middleware(app), scope_of(kind)))


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("websocket", {"type": "websocket.close", "code": 4401}),
        ("http", {"type": "http.response.start", "status": 200, "headers": []}),
    ],
)
def test_an_answer_of_the_applications_own_to_a_refusal_stays(run_async, kind, own):
    async def app(scope, receive, send):
        try:
            raise Refuse(401)
        except Refuse:
            await send(own)

    assert run_async(played(Middleware(app), scope_of(kind, extensions=DENIAL))) == [own]


def test_an_exception_that_is_no_refusal_goes_its_way(run_async):
    async def app(scope, receive, send):
        raise LookupError

    for kind in ("http", "websocket"):
        with pytest.raises(LookupError):
            run_async(played(Middleware(app), scope_of(kind)))


def asking(path, **changed):
    """Return a handshake's bytes, some of its fields changed."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
        **changed,
    }
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (asking("/sock/", Connection="keep-alive"), 426),
        (asking("/seen", Connection="keep-alive"), 200),
        (asking("/nowhere", Connection="keep-alive"), 404),
        (asking("/sock/", Origin="https://evil.example"), 403),
        (asking("/nowhere"), 403),
    ],
)
def test_what_follows_a_refused_upgrade_is_never_a_request(
    run_async, uvicorn_serving, asked, status
):
    """[S14.4]"""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Mount, Route

    seen = []

    async def see(request):
        seen.append(request.url.query)
        return PlainTextResponse("seen", headers={"Connection": "keep-alive"})

    app = Starlette(routes=[Mount("/sock", adapter.asgi(Echo)), Route("/seen", see)])

    async def act():
        async with uvicorn_serving(Middleware(app), ws=SERVERS[1]) as serving:
            reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
            writer.write(asked + b"GET /seen?behind HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            said = await reader.read()
            writer.close()
            assert said.startswith(b"HTTP/1.1 %d " % status)
            assert said.count(b"HTTP/1.1 ") == 1
            assert "behind" not in seen

    run_async(act())
