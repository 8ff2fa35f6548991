"""The body of an ordinary request is the application's on every host that gives it any. [S13.9]

Each host is a real one, asked over a socket, by bytes that a test says.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sock import Options, Response
from sock.adapters.asgi import asgi

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)

LIMIT = 1000


def back(request):
    match request.path:
        case "/205":
            return Response(205, "x")
        case "/204":
            return Response(204, "x")
        case "/304":
            return Response(304, "x")
    return Response(200, request.body, {"X-Method": request.method})


@pytest.fixture(params=["uvicorn httptools", "uvicorn h11", "aiohttp", "tornado"])
def hosting(request, uvicorn_serving):
    """Return a context manager that gives the port of a server of the application."""
    name, _, http = request.param.partition(" ")
    pytest.importorskip(name)
    options = Options(max_body_size=LIMIT)

    @contextlib.asynccontextmanager
    async def by_uvicorn():
        async with uvicorn_serving(asgi(back, options=options), http=http) as serving:
            yield serving.port

    @contextlib.asynccontextmanager
    async def by_aiohttp():
        from aiohttp import web

        from sock.adapters import aiohttp as adapter

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", adapter.handler(back, options=options))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    @contextlib.asynccontextmanager
    async def by_tornado():
        from tornado.httpserver import HTTPServer
        from tornado.web import Application

        from sock.adapters import tornado as adapter

        server = HTTPServer(Application([(r"/.*", adapter.hosting(back, options=options))]))
        server.listen(0, "127.0.0.1")
        [listening] = server._sockets.values()
        try:
            yield listening.getsockname()[1]
        finally:
            server.stop()
            await server.close_all_connections()

    return {"uvicorn": by_uvicorn, "aiohttp": by_aiohttp, "tornado": by_tornado}[name]


async def asked(port: int, data: bytes, later: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Return the status, the fields and the body of what a server answers until it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        if later:
            for _ in range(20):
                await asyncio.sleep(0)
            writer.write(later)
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")[:-2]
        named = {name.lower(): value for name, _, value in (one.partition(": ") for one in fields)}
        return int(line[9:12]), named, await reader.read()
    finally:
        writer.transport.abort()


def sent(body: bytes, *, method: str = "POST", chunked: int = 0, path: str = "/") -> bytes:
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{framing}\r\n\r\n".encode()
    if not chunked:
        return head + body
    pieces = [body[at : at + chunked] for at in range(0, len(body), chunked)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("chunked", [0, 7, 500])
@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_the_body_is_given_to_the_application(run_async, hosting, method, chunked, size):
    body = (b"\0\r\n\xff" * LIMIT)[:size]

    async def act():
        async with hosting() as port:
            status, fields, got = await asked(port, sent(body, method=method, chunked=chunked))
            assert (status, fields["x-method"], got) == (200, method, body)

    run_async(act())


@pytest.mark.parametrize("chunked", [0, 7, 500])
@pytest.mark.parametrize("size", [LIMIT + 1, 300_000])
def test_a_body_over_max_body_size_is_answered_with_413(run_async, hosting, chunked, size):
    async def act():
        async with hosting() as port:
            with contextlib.suppress(ConnectionResetError):
                status, _, _ = await asked(port, sent(b"x" * size, chunked=chunked))
                assert status == 413

    run_async(act())


def test_a_peer_that_leaves_within_its_body_is_no_error(run_async, hosting, caplog):
    async def act():
        async with hosting() as port:
            for whole in (sent(b"x" * 9), sent(b"x" * 9, chunked=5)):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(whole[:-6])
                await writer.drain()
                await asyncio.sleep(0)
                writer.transport.abort()
            for _ in range(20):
                status, _, _ = await asked(port, sent(b"still here"))
                assert status == 200

    run_async(act())
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("at_once", [True, False], ids=["with the head", "behind the head"])
def test_a_broken_body_is_no_crash_of_the_applications(
    request, run_async, hosting, events, caplog, at_once
):
    if "aiohttp" in request.node.name and not at_once:
        pytest.skip("aiohttp 3 tells nobody of it until the peer has gone")

    async def act():
        async with hosting() as port:
            head = sent(b"", chunked=1).replace(b"0\r\n\r\n", b"")
            said = (head + b"zz\r\n\r\n", b"") if at_once else (head, b"zz\r\n\r\n")
            with contextlib.suppress(ConnectionResetError, asyncio.IncompleteReadError):
                status, _, _ = await asked(port, *said)
                assert status == 400

    run_async(act())
    assert "handshake.failed" not in [event for event, _ in events]
    assert "sock" not in "".join(str(record.exc_info) for record in caplog.records)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_what_may_have_no_content_has_none_rfc_9110_15_3_6(run_async, hosting, status):
    async def act():
        async with hosting() as port:
            got, fields, body = await asked(port, sent(b"", method="GET", path=f"/{status}"))
            assert (got, body) == (status, b"")
            assert "content-type" not in fields
            assert fields.get("content-length", "0") == "0"
            if status == 204:  # RFC 9110 §8.6
                assert "content-length" not in fields

    run_async(act())


def test_head_has_the_fields_of_get_and_no_content(run_async, hosting):
    async def act():
        async with hosting() as port:
            status, fields, body = await asked(port, sent(b"hello", method="HEAD"))
            assert (status, fields["x-method"], body) == (200, "HEAD", b"")

    run_async(act())
