"""The extensions of ASGI by which a server tells what it lets go of, and what it can send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sock.hosting.takeover import Takeover

from .limits import HOST, HOST_WITHOUT_RESPONSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sock.spec import Host

TAKEOVER_EXTENSION: Final = "sock"
"""The name in a scope's extensions under which a server offers to let go of its socket."""

RESPONSE_EXTENSION: Final = "websocket.http.response"
"""The extension by which a server lets an application send a response in place of the upgrade."""


def takeover_of(scope: Mapping[str, Any]) -> Takeover | None:
    """Return the takeover that the server offers, or None where it keeps its socket."""
    extensions: Any = scope.get("extensions") or {}
    found: Any = extensions.get(TAKEOVER_EXTENSION)
    return found if isinstance(found, Takeover) else None


def host_of(scope: Mapping[str, Any]) -> Host:
    """Return what `Request.host` is for a request that this server has read.

    Args:
        scope: of the type "http" or "websocket".
    """
    takeover = takeover_of(scope)
    if takeover is not None:
        return takeover.request.host
    if scope["type"] == "http" or RESPONSE_EXTENSION in (scope.get("extensions") or {}):
        return HOST
    return HOST_WITHOUT_RESPONSES
