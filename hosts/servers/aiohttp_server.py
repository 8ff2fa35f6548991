"""aiohttp: `python hosts/servers/aiohttp_server.py PORT`."""

from __future__ import annotations

import sys

from aiohttp import web

from hosts.application import app, options
from sock.adapters.aiohttp import handler, setup
from sock.testing.contract import DRAIN_BOUND

application = web.Application()
application.router.add_route("*", "/{path:.*}", handler(app, options=options))
setup(application, DRAIN_BOUND)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
