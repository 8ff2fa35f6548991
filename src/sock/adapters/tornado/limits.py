"""The limits of Tornado as a host: few, because it lets go of its socket."""

from __future__ import annotations

from typing import Final

from sock.hosting.limit import HEADS, LIFESPAN, host_with

LIMITS: Final = (HEADS, LIFESPAN)
"""What is Tornado's to do: no statement about a connection is among these."""

HOST: Final = host_with("tornado", LIMITS)
"""What `Request.host` is."""
