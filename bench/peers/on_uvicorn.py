"""uvicorn as the benchmark runs it, for the peers that are ASGI applications."""

from __future__ import annotations

import os
import sys
from typing import Any

import uvicorn


def serve(app: Any, *, ws: str = "websockets-sansio", lifespan: str = "off") -> None:
    """Serve on the port that is the first argument, until a signal.

    Args:
        app: the application.
        ws: an implementation of WebSocket, by uvicorn's name or as `module:class`.
        lifespan: "on" for an application that needs it.
    """
    options: dict[str, Any] = {"ws": ws, "lifespan": lifespan, "loop": "uvloop"}
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http="httptools",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="critical",
        access_log=False,
        ssl_certfile=os.environ.get("BENCH_CERTIFICATE"),
        **options,
    )
