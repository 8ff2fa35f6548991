"""Handshakes that are none, on uvicorn with our protocol: each is answered, and nothing is left."""

from __future__ import annotations

import asyncio
import logging

import pytest

import sock
from sock import Refuse, Response, Sock

pytest.importorskip("uvicorn")

HEAD = (
    "Host: here",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
PARSERS = ("httptools", "h11", "zttp")


class Echo(Sock):
    def handle_in(self, message):
        return message


def head(*more, line="GET / HTTP/1.1", without=(), body=""):
    """Return a handshake, with fields added and left out."""
    kept = [one for one in HEAD if one.partition(":")[0] not in without]
    return ("\r\n".join([line, *kept, *more, "", ""]) + body).encode("latin-1")


def key(value):
    return f"Sec-WebSocket-Key: {value}"


WRONG = {
    "POST": (head(line="POST / HTTP/1.1"), 400),
    "HTTP/1.0": (head(line="GET / HTTP/1.0"), 400),
    "HTTP/0.9": (head(line="GET / HTTP/0.9"), 400),
    "HTTP/2.0": (head(line="GET / HTTP/2.0"), 400),
    "no Host": (head(without=["Host"]), 400),
    "two Hosts": (head("Host: there"), 400),
    "no valid Host": (head("Host: a b", without=["Host"]), 400),
    "version 12": (head("Sec-WebSocket-Version: 12", without=["Sec-WebSocket-Version"]), 426),
    "no version": (head(without=["Sec-WebSocket-Version"]), 400),
    "two versions": (head("Sec-WebSocket-Version: 13"), 400),
    "no key": (head(without=["Sec-WebSocket-Key"]), 400),
    "two keys": (head(HEAD[3]), 400),
    "no base64": (head(key("?" * 24), without=["Sec-WebSocket-Key"]), 400),
    "15 bytes": (head(key("A" * 20), without=["Sec-WebSocket-Key"]), 400),
    "malformed subprotocols": (head("Sec-WebSocket-Protocol: a b"), 400),
    "malformed extensions": (head("Sec-WebSocket-Extensions: a;;b=="), 400),
    "a body": (head("Content-Length: 5", body="hello"), 400),
    "a chunked body": (head("Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\n\r\n"), 400),
    "two Origins": (head("Origin: http://here", "Origin: http://there"), 400),
    "a fragment": (head(line="GET http://here/#a HTTP/1.1"), 400),
    "another scheme": (head(line="GET ftp://here/ HTTP/1.1"), 400),
    "a target with a user": (head(line="GET http://a@here/ HTTP/1.1"), 400),
}
"""The handshakes that [S14.1] forbids, and the status that it gives them."""

TOO_LARGE = {
    "a field of 9 kB": head("Cookie: " + "a" * 9000),
    "a path of 9 kB": head(line=f"GET /{'a' * 9000} HTTP/1.1"),
    "300 fields": head(*(f"X-{number}: a" for number in range(300))),
}


async def said(port, request):
    """Send a request, and return all that is answered, up to the end of TCP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


class Plain:
    """An ASGI application that knows nothing of Sock, and notes who asks."""

    def __init__(self):
        self.asked = []

    async def __call__(self, scope, receive, send):
        self.asked.append(scope["type"])
        await receive()
        await send({"type": "websocket.accept"})
        await receive()


def app_of(kind, asked):
    """Return an application that notes each question."""
    if kind == "plain":
        application = Plain()
        application.asked = asked
        return application

    def app(request):
        asked.append(request)
        return Echo(request)

    return sock.asgi(app)


@pytest.mark.parametrize("kind", ["plain", "sock"])
@pytest.mark.parametrize("http", PARSERS)
def test_what_is_no_valid_handshake_is_answered_before_the_application_is_asked(
    run_async, uvicorn_serving, caplog, http, kind
):
    """[S14.1] [S14.6]"""
    pytest.importorskip(http)
    asked = []

    async def act():
        async with uvicorn_serving(app_of(kind, asked), http=http, lifespan="off") as host:
            for name, (request, status) in WRONG.items():
                answered = await said(host.port, request)
                assert answered.startswith(b"HTTP/1.1 %d " % status), (name, answered)
                # [S14.4] Nothing behind it is a request.
                assert answered.count(b"HTTP/1.1 4") == 1, name
                if status == 426:
                    assert b"sec-websocket-version: 13" in answered.lower()
            assert asked == []
            assert host.server.server_state.connections == set()
            assert host.server.server_state.tasks == set()
            async with asyncio.timeout(5):
                await host.stop()

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""


@pytest.mark.parametrize("kind", ["plain", "sock"])
@pytest.mark.parametrize("http", PARSERS)
def test_a_head_that_uvicorns_own_implementation_refuses_is_answered_and_the_application_not_asked(
    run_async, uvicorn_serving, caplog, http, kind
):
    """[S14.3]"""
    pytest.importorskip(http)
    asked = []

    async def act():
        async with uvicorn_serving(app_of(kind, asked), http=http, lifespan="off") as host:
            for name, request in TOO_LARGE.items():
                assert b" 400 " in (await said(host.port, request))[:13], name
            assert asked == []
            assert host.server.server_state.connections == set()
            assert host.server.server_state.tasks == set()
            async with asyncio.timeout(5):
                await host.stop()

    with caplog.at_level(logging.ERROR):
        run_async(act())
    assert caplog.text == ""


@pytest.mark.parametrize("http", PARSERS)
def test_a_stop_amid_wrong_handshakes_loses_no_answer_that_is_under_way(
    run_async, uvicorn_serving, http
):
    """[S14.1]: uvicorn has died of the AssertionError of its own implementation."""
    pytest.importorskip(http)
    requests = [*(request for request, _ in WRONG.values()), *TOO_LARGE.values()]
    asked, go = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        asked.set()
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def act():
        async with uvicorn_serving(app, http=http, lifespan="off") as host:
            get = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
            answering = asyncio.ensure_future(said(host.port, get))
            await asked.wait()
            halves = []
            for request in requests:
                await said(host.port, request)
                _, half = await asyncio.open_connection("127.0.0.1", host.port)
                half.write(request[:-3])
                await half.drain()
                halves.append(half)
            stopping = asyncio.ensure_future(host.stop())
            go.set()
            assert b"done" in await answering
            async with asyncio.timeout(5):
                await stopping
            for half in halves:
                half.close()

    run_async(act())


@pytest.mark.parametrize("http", PARSERS)
def test_a_target_in_absolute_form_is_its_path_and_its_host_counts(
    run_async, uvicorn_serving, http
):
    """[S14.9] RFC 9112 §3.2.2: "the origin server MUST ignore the received Host header field"."""
    pytest.importorskip(http)
    seen = []

    class Sees(Echo):
        def __init__(self, request):
            seen.append((request.path, dict(request.query), request.headers["host"]))

    async def plain(scope, receive, send):
        fields = dict(scope["headers"])
        seen.append((scope["path"], scope["query_string"], fields[b"host"]))
        await receive()
        await send({"type": "websocket.accept"})
        await receive()

    request = head(
        "Origin: http://there.example", line="GET http://there.example/a%20b?c=d HTTP/1.1"
    )
    foreign = head("Origin: http://here", line="GET http://there.example/ HTTP/1.1")
    without_host = request.replace(b"Host:", b"Not-Host:", 1)

    async def act():
        for app in (plain, sock.asgi(Sees)):
            async with uvicorn_serving(app, http=http, lifespan="off") as host:
                reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
                writer.write(request)
                assert b" 101 " in await reader.readline()
                writer.close()
                if app is not plain:
                    assert b" 403 " in await said(host.port, foreign)
                assert b" 400 " in await said(host.port, without_host)

    run_async(act())
    assert seen == [
        ("/a b", b"c=d", b"there.example"),
        ("/a b", {"c": "d"}, "there.example"),
    ]


# --- what is behind a handshake that the application refuses --------------------------------

HI = b"\x81\x82\0\0\0\0hi"
BEHIND = {
    "a frame": HI,
    "8 kB of frames": HI * 1000,  # one packet on loopback
    "a request": b"GET /other HTTP/1.1\r\nHost: here\r\n\r\n",
}


def refuses(request):
    raise Refuse(401, "who are you?")


async def answers_late(request):
    await asyncio.sleep(0)
    return Response(404, "nothing here")


def crashes(request):
    raise RuntimeError("mine")


async def closes(scope, receive, send):
    await receive()
    await send({"type": "websocket.close"})


async def lets_through(scope, receive, send):
    raise Refuse(402, "pay first")


async def falls(scope, receive, send):
    raise RuntimeError("mine")


REFUSING = {
    "refuses": (sock.asgi(refuses), 401),
    "answers": (sock.asgi(answers_late), 404),
    "crashes": (sock.asgi(crashes), 500),
    "another site's page": (sock.asgi(Echo), 403),
    "a plain one that closes": (closes, 403),
    "a plain one that lets a Refuse through": (lets_through, 402),
    "a plain one that crashes": (falls, 500),
}


@pytest.mark.parametrize("name", REFUSING)
@pytest.mark.parametrize("http", PARSERS)
@pytest.mark.parametrize("loop_kind", ["asyncio", "uvloop"], indirect=True)
def test_what_the_application_refuses_is_answered_whatever_came_with_it_in_one_packet(
    run_async, uvicorn_serving, loop_kind, http, name
):
    """[S14.3] [S14.4]"""
    pytest.importorskip(http)
    app, status = REFUSING[name]

    async def act():
        async with uvicorn_serving(app, http=http, lifespan="off") as host:
            for behind in BEHIND.values():
                answered = await said(host.port, head("Origin: http://elsewhere") + behind)
                assert answered.startswith(b"HTTP/1.1 %d " % status)
                assert answered.count(b"HTTP/1.1 ") == 1
            assert host.server.server_state.connections == set()

    run_async(act())
