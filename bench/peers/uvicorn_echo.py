"""uvicorn on uvloop, by way of one of its WebSocket implementations: PORT IMPLEMENTATION."""

from __future__ import annotations

import sys

import uvicorn
from asgi_app import echo

uvicorn.run(
    echo,
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
)
