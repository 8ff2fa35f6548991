"""Connections that go on after their route has returned."""

from __future__ import annotations

import asyncio

import pytest

import sock
from sock.adapters.asgi import Middleware, upgrade

pytest.importorskip("starlette")
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

CONNECT = {"type": "websocket.connect"}


def test_a_kept_connection_says_1012_when_its_server_cancels(run_async, asgi_scope, rooms):
    app, _ = rooms(release=True)

    async def act():
        scope = asgi_scope(
            Middleware(app), path="/rooms/7", query_string=b"name=ada", subprotocols=[]
        )
        scope.tell(CONNECT, {"type": "websocket.receive", "text": "hi"})
        await scope.until(2)
        scope.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scope.task
        assert scope.told[-1]["code"] == 1012

    run_async(act())


def test_a_kept_connection_outlives_what_its_route_raises_behind_it(
    run_async, caplog, asgi_scope, echo
):
    async def room(websocket):
        await upgrade(websocket, echo(None), release=True)
        await websocket.close(4500)  # as Litestar does
        raise LookupError("given back")

    app = Middleware(Starlette(routes=[WebSocketRoute("/", room)]))

    async def act():
        scope = asgi_scope(app, subprotocols=[])
        scope.tell(CONNECT)
        await scope.until(1)
        scope.tell({"type": "websocket.receive", "text": "hi"})
        assert await scope.until(2) == {"type": "websocket.send", "text": "hi"}
        scope.tell({"type": "websocket.disconnect", "code": 1001, "reason": ""})
        await scope.task

    run_async(act())
    assert echo.reasons == [sock.Remote(1001)]
    (record,) = caplog.records
    assert record.name == "sock"
    assert record.exc_info[0] is LookupError


def test_what_a_route_raises_before_it_is_kept_is_the_servers_to_know(run_async, asgi_scope):
    async def room(websocket):
        raise LookupError("at once")

    app = Middleware(Starlette(routes=[WebSocketRoute("/", room)]))

    async def act():
        scope = asgi_scope(app, subprotocols=[])
        scope.tell(CONNECT)
        with pytest.raises(LookupError):
            await scope.task

    run_async(act())
