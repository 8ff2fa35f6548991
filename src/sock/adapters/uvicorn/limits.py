"""The limits of uvicorn as a host, with our protocol: none, as it lets go of its socket."""

from __future__ import annotations

from typing import Final

from sock.hosting.limit import Limit, host_with

LIMITS: Final[tuple[Limit, ...]] = ()
"""The statements that do not hold on this host: none."""

HOST: Final = host_with("uvicorn", LIMITS)
"""What `Request.host` is for a request that asks for a connection."""
