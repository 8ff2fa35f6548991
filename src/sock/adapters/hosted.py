"""What all adapters do in the same way: ask an application, word a refusal, send everybody away."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, cast, final

from sock import telemetry
from sock.observe import log
from sock.runtime.answer import only_upgrades, taken
from sock.runtime.guests import Guests
from sock.spec import HandshakeError, Options, Refuse, Response
from sock.wire import handshake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sock.spec import App, Request, Upgrade


@final
class Hosted:
    """An application that somebody else's server serves.

    Args:
        app: from a request to an answer; a Sock class is one.
        options: limits; what an `Upgrade` gives is laid over them.
    """

    def __init__(self, app: App, options: Options | None) -> None:
        if options is not None and not isinstance(cast("object", options), Options):
            raise TypeError(f"options are an Options, not {type(options).__name__!r}")
        log.attach()
        self._app = app
        self.options = Options() if options is None else options
        self.only_upgrades = only_upgrades(app)
        """Whether it is a Sock class: it makes nothing but connections."""

    async def ask(
        self, request: Request, check: Callable[[], object], *, upgrading: bool
    ) -> Upgrade | Response:
        """Return what the application answers, or what has to be answered in its place.

        Args:
            request: as it came.
            check: judges the handshake, as far as the host does that; raises a HandshakeError.
            upgrading: whether a WebSocket connection is asked for.
        """
        try:
            if upgrading:
                check()
            if self.only_upgrades:
                _check_upgrading(upgrading=upgrading)
                handshake.check_origin(request, self.options.origins)
            answered: Any = self._app(request)
            if inspect.isawaitable(answered):
                answered = await answered
            answer = taken(answered)
            if not isinstance(answer, Response):
                _check_upgrading(upgrading=upgrading)
        except (Refuse, HandshakeError) as refusal:
            return refused(request, refusal)
        except Exception as error:  # noqa: BLE001 - whatever an application raises
            return failed(request, error)
        return answer


def _check_upgrading(*, upgrading: bool) -> None:
    if not upgrading:
        raise HandshakeError(426, "a WebSocket connection is what there is here (RFC 6455 §4.2.1)")


def check() -> None:
    """Refuse a new connection while the others are being sent away.

    Raises:
        HandshakeError: the server is stopping (503).
    """
    Guests.of(running_loop()).check()


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that runs.

    Raises:
        RuntimeError: it is none of asyncio's.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise RuntimeError(
            "Sock needs asyncio, and this server runs another event loop: hypercorn has"
            " `--worker-class asyncio`"
        ) from error


def refused(request: Request, refusal: Refuse | HandshakeError) -> Response:
    """Return the answer to a refusal, told as what it is: no crash."""
    if isinstance(refusal, Refuse):
        response, detail = refusal.response, "by the application"
    else:
        response = Response(refusal.status, refusal.detail + "\n", refusal.headers)
        detail = refusal.detail
    telemetry.emit("handshake.refused", request=request, status=response.status, detail=detail)
    return response


def failed(request: Request, error: Exception) -> Response:
    """Return the answer when an application has raised, told with its traceback."""
    telemetry.emit("handshake.failed", request=request, error=error)
    return Response(500, "internal server error\n")


def headers_of(response: Response) -> list[tuple[str, str]]:
    """Return the headers of an ordinary answer, without those that say how long it is."""
    framing = {"content-length", "transfer-encoding", "connection"}
    headers = [(name, value) for name, value in response.headers if name.lower() not in framing]
    if response.body and not any(name.lower() == "content-type" for name, _ in headers):
        text = isinstance(response.body, str)
        kind = "text/plain; charset=utf-8" if text else "application/octet-stream"
        headers.append(("Content-Type", kind))
    return headers


def body_of(response: Response) -> bytes:
    """Return the body of an ordinary answer."""
    return response.body.encode() if isinstance(response.body, str) else response.body


def address_of(given: Any) -> tuple[str, int] | None:
    """Return what a transport says of one of its ends; None for one that has no host and port."""
    address = cast("Sequence[Any]", given if isinstance(given, (tuple, list)) else ())
    if len(address) < 2 or address[1] is None:
        return None
    return str(address[0]), int(address[1])


def kind_of(value: object) -> str:
    """Name the type of something that is of the wrong one."""
    kind = value.__class__  # which a proxy gives of what is behind it
    return f"{kind.__module__}.{kind.__qualname__}"


async def drain(seconds: float | None = 30.0) -> int:
    """Send all Socks of this event loop away: finish what is under way, say 1012.

    For whatever comes before the server cuts its connections.

    Args:
        seconds: after which those that are left are cut; None for never.

    Returns:
        How many were cut.
    """
    return await Guests.of(asyncio.get_running_loop()).drain(seconds)
