"""The limits of uvicorn as a host, with our protocol: few, as it lets go of its socket."""

from __future__ import annotations

from typing import Final

from sock.hosting.limit import HEADS, host_with

LIMITS: Final = (HEADS,)
"""What is uvicorn's to do: no statement about a connection is among these."""

HOST: Final = host_with("uvicorn", LIMITS)
"""What `Request.host` is for a request that asks for a connection."""
