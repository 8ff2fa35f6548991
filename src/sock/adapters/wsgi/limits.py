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

ON_UWSGI: Final = (
    Limit("early", ("S1.10",), "uWSGI gives nobody what it has read behind the head"),
    Limit(
        "drain",
        ("S7.8", "S7.14", "S7.16"),
        "at a stop uWSGI ends a process at once that answers a request; at a reload it waits",
    ),
)
"""What uWSGI does in its own way, beside `LIMITS`."""

HOSTS: Final = {
    (False, False): HOST,
    (True, False): host_with("wsgi", (*LIMITS, LIFESPAN)),
    (False, True): host_with("wsgi", (*LIMITS, *ON_UWSGI)),
    (True, True): host_with("wsgi", (*LIMITS, *ON_UWSGI, LIFESPAN)),
}
"""What `Request.host` is: whether in a route, which no lifespan belongs to; whether on uWSGI."""
