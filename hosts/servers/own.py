"""Sock's own server: `python hosts/servers/own.py PORT`."""

from __future__ import annotations

import sys

import sock
from hosts.application import app, options

sock.run(app, port=int(sys.argv[1]), options=options)
