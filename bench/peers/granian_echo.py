"""granian: its ASGI interface on uvloop, one worker, no compression (it has none).

PORT [APPLICATION], which is a module beside this one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops

# The worker imports this module again, so only the parent may serve.
if __name__ == "__main__":
    Granian(
        f"{sys.argv[2] if len(sys.argv) > 2 else 'asgi_app'}:echo",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGINL,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        # A WebSocket counts as a request that is going on, and more than this many wait.
        backlog=4096,
        backpressure=20_000,
        log_enabled=False,
        working_dir=Path(__file__).parent,
    ).serve()
