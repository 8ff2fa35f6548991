"""Sock's own server: `python hosts/servers/own.py PORT`."""

from __future__ import annotations

import sys

import sock
from hosts.application import app, options
from sock.testing.contract import DRAIN_BOUND

bounded = options.over(sock.Options(drain_timeout=DRAIN_BOUND))
sock.run(app, port=int(sys.argv[1]), options=bounded)
