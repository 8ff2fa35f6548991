"""The limits of Tornado as a host: there are none, because it lets go of its socket."""

from __future__ import annotations

from typing import Final

from sock.hosting.limit import Limit, host_with

LIMITS: Final[tuple[Limit, ...]] = ()
"""The statements that do not hold on this host: none."""

HOST: Final = host_with("tornado", LIMITS)
"""What `Request.host` is."""
