"""The page of metrics as an application of Sock's, for a path of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sock.spec import Response

from .exposition import check_installed
from .figures import Figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import Request

    from .totals import Totals


def application(figures: Figures | Totals | None = None) -> Callable[[Request], Response]:
    """Return an application that answers each request with the page of metrics.

    It is for a route of a site: `Routes({"/metrics": application(), …})` with our own server, and
    `sock.asgi(application())` for a framework to mount. Everybody who reaches that path can read
    the metrics.

    Args:
        figures: what is shown; None for figures of this process, which count from now on and for
            good, and which measure the first event loop that opens a connection.

    Raises:
        ImportError: prometheus_client is not installed.

    >>> from sock import Request
    >>> answer = application()(Request("GET", "/metrics"))
    >>> dict(answer.headers)["Content-Type"]
    'text/plain; version=0.0.4; charset=utf-8'
    """
    check_installed()
    if figures is None:
        figures = Figures()
        figures.begin()
    shown = figures

    def metrics(request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return Response(405, "the metrics are read with GET\n", {"Allow": "GET, HEAD"})
        page = shown.render(request.headers.get("accept", ""))
        headers = {"Content-Type": page.content_type, "Cache-Control": "no-store"}
        return Response(200, page.body, headers)

    return metrics
