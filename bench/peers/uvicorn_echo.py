"""uvicorn on uvloop, by way of one of its WebSocket implementations, or of ours.

PORT IMPLEMENTATION [APPLICATION], which is a module beside this one.
"""

from __future__ import annotations

import sys
from importlib import import_module

from on_uvicorn import serve

serve(import_module(sys.argv[3] if len(sys.argv) > 3 else "asgi_app").echo, ws=sys.argv[2])
