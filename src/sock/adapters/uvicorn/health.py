"""The health check of `sock run --health`, for ASGI applications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from sock.adapters.asgi.event import send_response
from sock.adapters.hosted_application import check_not_draining
from sock.spec import HandshakeError, Response

if TYPE_CHECKING:
    from sock.adapters.asgi.event import Receive, Scope, Send


@final
class Health:
    """Around an ASGI application: answers requests for one path by itself.

    Args:
        app: any ASGI 3 application.
        path: is answered with 200, and with 503 while the drain ends the application's Socks.
    """

    def __init__(self, app: Any, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if (
            scope["type"] == "http"
            and scope["method"] in {"GET", "HEAD"}
            and scope["path"] in {self._path, scope.get("root_path", "") + self._path}
        ):
            await send_response(_health(), scope, send)
        else:
            await self._app(scope, receive, send)


def _health() -> Response:
    headers = {"Cache-Control": "no-store"}
    try:
        check_not_draining()
    except HandshakeError:
        return Response(503, "stopping", headers)
    return Response(200, "ok", headers)
