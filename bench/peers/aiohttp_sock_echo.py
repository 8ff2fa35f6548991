"""A Sock in a route of aiohttp's, on uvloop: PORT."""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web
from asgi_sock import Echo

from sock.adapters.aiohttp import handler, setup

app = web.Application()
app.router.add_get("/", handler(Echo))
setup(app)
web.run_app(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    loop=uvloop.new_event_loop(),
    access_log=None,
    print=None,
)
