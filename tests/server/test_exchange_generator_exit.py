"""An application that ends by a GeneratorExit of its own has failed, as by anything else. [S1.4]"""

from __future__ import annotations

import asyncio

import pytest

import sock
from sock import Response, testing
from sock.adapters.asgi import asgi
from sock.server.address import TcpAddress
from sock.server.binding import bind_all


def raises(request):
    raise GeneratorExit("my own")


async def raises_later(request):
    await asyncio.sleep(0)
    raise GeneratorExit("my own")


async def raises_at_once(request):
    raise GeneratorExit("my own")


APPS = pytest.mark.parametrize("app", [raises, raises_later, raises_at_once])
GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@APPS
@pytest.mark.usefixtures("reactor_kind", "loop_kind")
def test_a_generator_exit_of_the_application_is_answered_with_500(exchange, events, app):
    assert exchange(app, GET).startswith(b"HTTP/1.1 500 ")
    assert [event for event, _ in events].count("handshake.failed") == 1


@APPS
def test_a_generator_exit_of_the_application_is_answered_with_500_over_asgi(run_async, events, app):
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(event):
        sent.append(event)

    scope = {"type": "http", "path": "/", "headers": [], "method": "GET"}
    run_async(asgi(app)(scope, receive, send))
    assert sent[0]["status"] == 500
    assert [event for event, _ in events].count("handshake.failed") == 1


@pytest.mark.usefixtures("reactor_kind")
def test_an_application_that_is_closed_with_its_loop_has_not_failed(run_async, connect, events):
    async def waits(request):
        await asyncio.get_running_loop().create_future()
        return Response(200)

    loop = asyncio.new_event_loop()

    async def act():
        server = sock.server.Server(waits)
        server.start(await bind_all([TcpAddress("127.0.0.1", 0)]))
        client = await connect(server)
        client.send(GET)
        while not [name for name, _ in events if name == "server.started"]:
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        return server, client

    server, client = loop.run_until_complete(act())
    for task in asyncio.all_tasks(loop):
        task.get_coro().close()
        task._log_destroy_pending = False
    assert "handshake.failed" not in [name for name, _ in events]
    client.hang_up()
    loop.run_until_complete(server.drain(0))
    loop.close()


def test_testing_gives_a_request_its_body():
    assert testing.request("/", method="POST", body=b"x").body == b"x"
