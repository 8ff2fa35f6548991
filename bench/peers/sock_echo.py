"""Sock on uvloop, as it comes: its limits, its keepalive, its checks.

PORT [metrics], which counts for Prometheus.
"""

from __future__ import annotations

import contextlib
import os
import sys

from sock_app import app

import sock
from sock.observe.metrics import Figures

certificate = os.environ.get("BENCH_CERTIFICATE")

with Figures() if "metrics" in sys.argv else contextlib.nullcontext():
    sock.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        tls=sock.TLS(certificate) if certificate else None,
        loop="uvloop",
        log_level="error",
    )
