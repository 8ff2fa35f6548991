"""The health of an ASGI application, answered in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from sock.spec import HandshakeError, Response

from . import event
from .hosted import check

if TYPE_CHECKING:
    from .event import Receive, Scope, Send


@final
class Health:
    """Around an ASGI application: answers one path by itself.

    Args:
        app: any ASGI 3 application.
        path: that is answered with 200, and with 503 while its Socks are sent away.
    """

    def __init__(self, app: Any, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} and self._asked(scope):
            await event.answer(_health(), scope, send)
        else:
            await self._app(scope, receive, send)

    def _asked(self, scope: Scope) -> bool:
        return scope["path"] in {self._path, scope.get("root_path", "") + self._path}


def _health() -> Response:
    headers = {"Cache-Control": "no-store"}
    try:
        check()
    except HandshakeError:
        return Response(503, "stopping", headers)
    return Response(200, "ok", headers)
