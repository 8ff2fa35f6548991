"""hypercorn on uvloop, one process; its WebSocket is wsproto's."""

from __future__ import annotations

import sys

import uvloop
from asgi_app import echo
from hypercorn.asyncio import serve
from hypercorn.config import Config

config = Config()
config.bind = [f"127.0.0.1:{sys.argv[1]}"]
config.accesslog = None
config.errorlog = None
config.backlog = 4096
uvloop.run(serve(echo, config))
