"""Sock with workers, as `sock run` starts them: PORT WORKERS."""

from __future__ import annotations

import os
import sys
from pathlib import Path

port, workers = sys.argv[1:]
command = ["-m", "sock", "run", "sock_app:app", "--app-dir", str(Path(__file__).parent)]
listening = ["--host", "127.0.0.1", "--port", port, "--workers", workers, "--loop", "uvloop"]
os.execv(sys.executable, [sys.executable, *command, *listening])  # noqa: S606 - a fixed list
