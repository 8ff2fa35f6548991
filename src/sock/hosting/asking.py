"""Asking an application about a request, in the same order for adapters and the test kit.

    the request                                     what is raised before the application is asked
    ----------------------------------------------  ----------------------------------------------
    asks to upgrade, and `check` finds fault        what `check` raises: 400, 426, 503 …
    does not, and the application is a Sock class   426
    is of another site's page, and the application  403
    is a Sock class

So a Sock class makes no handler for a request that is refused anyway. Any other application may
answer those with words of its own, or with an `Upgrade` that lists origins.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from sock import telemetry
from sock.spec import HandshakeError, Options, Refuse, Response
from sock.wire import handshake

from .answer import explained, only_upgrades, taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import App, Request, Upgrade


async def ask(
    app: App,
    request: Request,
    check: Callable[[], object],
    *,
    upgrading: bool,
    base: Options,
) -> Upgrade | Response:
    """Return what the application answers.

    Args:
        app: from a request to an answer; a Sock class is one.
        request: as it came.
        check: judges the handshake, as far as the host does that; raises a HandshakeError.
        upgrading: whether a WebSocket connection is asked for.
        base: the host's limits.

    Raises:
        Refuse: the application refuses.
        HandshakeError: the request is refused, or a Sock answers to an ordinary one.
        HandlerError: the application has answered with what is no answer.
        Exception: whatever else the application raises.
    """
    if upgrading:
        check()
    if only_upgrades(app):
        _check_upgrading(upgrading=upgrading)
        handshake.check_origin(request, base.origins)
    answered: Any = app(request)
    if inspect.isawaitable(answered):
        answered = await answered
    answer = taken(answered)
    if not isinstance(answer, Response):
        _check_upgrading(upgrading=upgrading)
    return answer


def refused(request: Request, refusal: Refuse | HandshakeError) -> Response:
    """Return the answer to a refusal, told as what it is: no crash."""
    if isinstance(refusal, Refuse):
        response, detail = refusal.response, "by the application"
    else:
        response = Response(refusal.status, refusal.detail + "\n", refusal.headers)
        detail = refusal.detail
    telemetry.emit("handshake.refused", request=request, status=response.status, detail=detail)
    return response


def failed(request: Request, error: BaseException) -> Response:
    """Return the answer when an application has raised, told with its traceback."""
    telemetry.emit("handshake.failed", request=request, error=explained(error))
    return Response(500, "internal server error\n")


def check_app(app: object) -> None:
    """Refuse what cannot be asked: what is not callable, and ASGI applications.

    Raises:
        TypeError: it is no application.
    """
    if not callable(app):
        raise TypeError(
            f"an application is called with a request, which {type(app).__qualname__!r} cannot be"
        )
    if not isinstance(app, type) and _accepts(app, 3) and not _accepts(app, 1):
        raise TypeError(
            f"this {type(app).__qualname__} is an ASGI application, called with scope, receive and"
            " send. Give the application of Sock's in it, such as a Sock class or what was given to"
            " sock.asgi(). A framework's routes are tested with the test client of that framework"
        )


def _check_upgrading(*, upgrading: bool) -> None:
    if not upgrading:
        raise HandshakeError(426, "a WebSocket connection is what there is here (RFC 6455 §4.2.1)")


def _accepts(app: Any, count: int) -> bool:
    try:
        inspect.signature(app).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True
