"""The middleware of ASGI: the drain; `test_refusal.py` and `test_kept.py` have the rest."""

from __future__ import annotations

import pytest

from sock.adapters.asgi import Middleware

pytest.importorskip("starlette")

CONNECT = {"type": "websocket.connect"}


def test_the_middleware_drains_at_the_end_of_a_frameworks_lifespan(run_async, asgi_scope, rooms):
    app, _ = rooms()

    async def act():
        whole = Middleware(app)
        lifespan = asgi_scope(whole, "lifespan", state={})
        lifespan.tell({"type": "lifespan.startup"})
        await lifespan.until(1)
        scope = asgi_scope(whole, path="/rooms/7", query_string=b"name=ada", subprotocols=[])
        scope.tell(CONNECT)
        await scope.until(1)
        lifespan.tell({"type": "lifespan.shutdown"})
        await lifespan.task
        assert scope.told[-1]["code"] == 1012
        await scope.task

    run_async(act())
