"""The limits of WSGI servers as hosts: few, because their sockets are taken over."""

from __future__ import annotations

from typing import Final

from sock.hosting.limit import HEADS, LIFESPAN, Limit, host_with

LIMITS: Final = (
    HEADS,
    Limit(
        "fields",
        ("S13.5",),
        "WSGI joins the fields of one name, and says nothing of the case of names",
    ),
)
"""What a WSGI server does in its own way: no statement about a connection is among these."""

HOST: Final = host_with("wsgi", LIMITS)
"""What `Request.host` is in a whole application."""

ROUTE_HOST: Final = host_with("wsgi", (*LIMITS, LIFESPAN))
"""What `Request.host` is in a route of a framework, which no lifespan belongs to."""
