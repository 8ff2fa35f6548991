"""uvicorn on uvloop, by way of one of its WebSocket implementations, or of ours.

PORT IMPLEMENTATION [APPLICATION], which is a module beside this one.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import uvicorn

uvicorn.run(
    import_module(sys.argv[3] if len(sys.argv) > 3 else "asgi_app").echo,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    loop="uvloop",
    http="httptools",
    ws=sys.argv[2],
    ws_per_message_deflate=False,
    ws_ping_interval=None,
    lifespan="off",
    log_level="critical",
    access_log=False,
    ssl_certfile=os.environ.get("BENCH_CERTIFICATE"),
)
