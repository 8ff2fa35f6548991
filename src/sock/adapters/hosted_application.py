"""An application that another server hosts: asking it, refusing new connections, the drain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, final

from sock.hosting import asking
from sock.hosting.application import check_application
from sock.hosting.members import Members
from sock.hosting.options import options_of_host
from sock.observe import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import App, Options, Request, Response, Upgrade


@final
class HostedApplication:
    """An application that another server hosts.

    Args:
        app: a callable from a request to an answer, such as a Sock class.
        options: are laid over those that the application carries.

    Raises:
        TypeError: `app` is not an application of Sock's, for example an ASGI application, or
            `options` is not an Options.
        ValueError: the options contradict each other.
    """

    def __init__(self, app: App, options: Options | None) -> None:
        check_application(app)
        self.options = options_of_host(app, options)
        log.attach()
        self._app = app

    async def ask(
        self, request: Request, check: Callable[[], object], *, upgrading: bool
    ) -> Upgrade | Response:
        """Return the application's answer, or the response where there is no answer.

        Args:
            request: the request to ask about.
            check: judges the handshake as far as the host does that; raises a HandshakeError.
            upgrading: whether the request asks for a WebSocket connection.
        """
        return await asking.ask_catching_errors(
            self._app, request, check, upgrading=upgrading, options=self.options
        )


def check_not_draining() -> None:
    """Refuse a new connection while the drain ends the others.

    Raises:
        HandshakeError: the server is stopping (503).
    """
    Members.of(running_loop()).check_not_draining()


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        RuntimeError: the server runs an event loop that is not asyncio's.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise RuntimeError(
            "Sock needs asyncio, and this server runs another event loop: hypercorn has"
            " `--worker-class asyncio`"
        ) from error


async def drain(seconds: float | None = 30.0, options: Options | None = None) -> int:
    """End all Socks of this event loop in order: they finish the work under way and send 1012.

    Call this before the server cuts its connections.

    Args:
        seconds: after which the connections that are left are cut; None for never.
        options: their `drain_batch` and `drain_interval` say how many are told at a time; None for
            the defaults.

    Returns:
        How many connections were cut, or had work that was cancelled.
    """
    return await Members.of(asyncio.get_running_loop()).drain(seconds, options)
