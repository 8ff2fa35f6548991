"""What all adapters do in the same way: ask an application, word a refusal, send everybody away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast, final

from sock.hosting import asking
from sock.hosting.application import check_application
from sock.hosting.asking import failed as failed
from sock.hosting.asking import refused as refused
from sock.hosting.content import content_of, content_type_of
from sock.hosting.members import Members
from sock.hosting.options import options_of_host
from sock.observe import log
from sock.spec import HandshakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sock.spec import App, Options, Request, Response, Upgrade


@final
class Hosted:
    """An application that somebody else's server serves.

    Args:
        app: from a request to an answer; a Sock class is one.
        options: limits, over those that the application carries.

    Raises:
        TypeError: it is no application of Sock's, such as an ASGI application; or there are options
            that are no Options.
        ValueError: they contradict each other.
    """

    def __init__(self, app: App, options: Options | None) -> None:
        check_application(app)
        self.options = options_of_host(app, options)
        log.attach()
        self._app = app

    async def ask(
        self, request: Request, check: Callable[[], object], *, upgrading: bool
    ) -> Upgrade | Response:
        """Return what the application answers, or what has to be answered in its place.

        Args:
            request: as it came.
            check: judges the handshake, as far as the host does that; raises a HandshakeError.
            upgrading: whether a WebSocket connection is asked for.
        """
        return await asking.ask_catching_errors(
            self._app, request, check, upgrading=upgrading, options=self.options
        )


def check() -> None:
    """Refuse a new connection while the others are being sent away.

    Raises:
        HandshakeError: the server is stopping (503).
    """
    Members.of(running_loop()).check()


def check_length(request: Request, limit: int) -> None:
    """Refuse a body that says that it is too large, before it is read.

    Raises:
        HandshakeError: it has more bytes than `limit` (413).
    """
    said = request.headers.get("content-length", "").strip().lstrip("0")
    # Python reads no more than 4,300 digits, and no body is that long.
    if said.isascii() and said.isdigit() and (len(said) > 20 or int(said) > limit):
        raise too_large(limit)


def too_large(limit: int) -> HandshakeError:
    """Return the refusal of a body over `max_body_size`."""
    return HandshakeError(413, f"the body has more than {limit} bytes (RFC 9110 §15.5.14)")


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


def headers_of(response: Response) -> list[tuple[str, str]]:
    """Return the headers of an ordinary answer, without those that say how long it is."""
    framing = {"content-length", "transfer-encoding", "connection"}
    headers = [(name, value) for name, value in response.headers if name.lower() not in framing]
    kind = content_type_of(response)
    if kind is not None:
        headers.append(("Content-Type", kind))
    return headers


def body_of(response: Response) -> bytes:
    """Return the body of an ordinary answer; empty for a status that has none."""
    return content_of(response)


def for_latin_1(value: str) -> str:
    """Return the value of a header for a server that sends Latin-1, so that UTF-8 comes of it."""
    return value.encode().decode("latin-1")


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
    return await Members.of(asyncio.get_running_loop()).drain(seconds)
