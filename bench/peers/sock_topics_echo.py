"""Sock with topics: PORT CLASS [WORKERS]. The class is one of `sock_topics`.

A message that a peer sends is a broadcast, so it comes back to the sender too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import sock_topics

import sock

port, name, *workers = sys.argv[1:]
if workers:
    command = ["-m", "sock", "run", f"sock_topics:{name}", "--app-dir", str(Path(__file__).parent)]
    listening = ["--host", "127.0.0.1", "--port", port, "--workers", *workers, "--loop", "uvloop"]
    os.execv(sys.executable, [sys.executable, *command, *listening])  # noqa: S606 - a fixed list
else:
    application = getattr(sock_topics, name)
    sock.run(application, host="127.0.0.1", port=int(port), loop="uvloop", log_level="error")
