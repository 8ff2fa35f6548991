"""An ASGI server by hand, and an application with a route that upgrades."""

from __future__ import annotations

import asyncio

import pytest

from sock import Sock
from sock.adapters.asgi import upgrade


class EchoAndNote(Sock):
    """Sends every message back, and notes how its connections have ended."""

    reasons = []

    def handle_in(self, message):
        return message

    def terminate(self, reason):
        self.reasons.append(reason)


class Scope:
    """One scope of an ASGI server by hand: the events that it sends and receives."""

    def __init__(self, app, kind="websocket", **scope):
        self.told = []
        self._events = asyncio.Queue()
        if kind == "http":
            self.tell({"type": "http.request"})
        scope = {
            "type": kind,
            "path": "/",
            "headers": [(b"host", b"here")],
            "query_string": b"",
            **scope,
        }
        self.task = asyncio.ensure_future(app(scope, self._events.get, self._told))

    def tell(self, *events):
        for event in events:
            self._events.put_nowait(event)

    async def _told(self, event):
        self.told.append(event)

    async def until(self, count):
        while len(self.told) < count:
            assert not self.task.done() or self.task.exception() is None, self.task.exception()
            await asyncio.sleep(0)
        return self.told[count - 1]


@pytest.fixture
def asgi_scope():
    """Run an application for one scope of an ASGI server by hand."""
    return Scope


@pytest.fixture
def echo():
    """Give the class of a Sock that sends messages back and notes the reasons of its ends."""
    EchoAndNote.reasons.clear()
    return EchoAndNote


@pytest.fixture
def rooms(echo):
    """Make a Starlette application whose route upgrades, and the list of what its routes note."""
    starlette = pytest.importorskip("starlette.applications")
    routing = pytest.importorskip("starlette.routing")

    def make(*, release=False, headers=()):
        async def room(websocket):
            if "name" not in websocket.query_params:
                await websocket.close()
                return
            await upgrade(websocket, echo(None), headers=headers, release=release)
            left.append("the route")

        left = []
        route = routing.WebSocketRoute("/rooms/{room}", room)
        return starlette.Starlette(routes=[route]), left

    return make
