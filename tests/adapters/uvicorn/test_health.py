"""The health of an ASGI application, answered in front of it."""

from __future__ import annotations

import asyncio
import http.client

import pytest

from sock.adapters.hosted_application import drain
from sock.adapters.uvicorn.health import Health
from sock.hosting.members import Members


async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"nothing here"})


def ask(port, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/healthz", (200, b"ok")),
        ("GET", "/healthz?deep=1", (200, b"ok")),
        ("HEAD", "/healthz", (200, b"")),
        ("POST", "/healthz", (404, b"nothing here")),
        ("GET", "/", (404, b"nothing here")),
    ],
)
@pytest.mark.parametrize("root", ["", "/below"])
def test_one_path_is_answered_and_all_else_goes_on(
    run_async, uvicorn_serving, method, path, answer, root
):
    async def act():
        async with uvicorn_serving(Health(application, "/healthz"), root_path=root) as server:
            assert await asyncio.to_thread(ask, server.port, method, path) == answer

    run_async(act())


def test_it_is_503_while_the_socks_are_sent_away(run_async):
    async def act():
        told = []
        members = Members.of(asyncio.get_running_loop())

        async def send(event):
            told.append(event)

        class Asks:
            """A connection that asks for the health when it is told to end."""

            asking = None

            def shutdown(self, timeout):
                self.asking = asyncio.ensure_future(self.ask())

            async def ask(self):
                scope = {"type": "http", "method": "GET", "path": "/healthz"}
                await Health(application, "/healthz")(scope, None, send)
                members.discard(self)

        members.add(Asks())
        assert await drain(10) == 0
        assert (told[0]["status"], told[1]["body"]) == (503, b"stopping")

    run_async(act())
