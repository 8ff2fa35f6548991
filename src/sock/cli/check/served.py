"""What the process that `sock check` starts serves: what the variables of `hosts` name."""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sock
from sock.cli import make
from sock.cli.find import find, is_asgi, problem_of_app
from sock.hosting.options import options_of_host
from sock.testing import contract

from .hosts import APP, ECHO, FACTORY, FOLDER, SUITE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


_ECHO: Final = f"{ECHO} "


class Echo(sock.Sock):
    """Sends every message back."""

    def handle_in(self, message: str | bytes, /) -> str | bytes:
        """Return the message."""
        return message


def served() -> Any:
    """Return what the variables name: an application of Sock's, or an ASGI application.

    It may be what a factory has returned: `make.needs_event_loop` tells whether it becomes an
    application in an event loop only, which `made_in_loop` does.
    """
    name, folder = os.environ[APP], Path(os.environ[FOLDER])
    if name == SUITE:
        return contract.app
    target = name.removeprefix(_ECHO)
    found = find(target, folder)
    if FACTORY in os.environ:
        found = make.make(found, target)
        if make.needs_event_loop(found):
            return found
        if (problem := problem_of_app(found)) is not None:
            sys.exit(f"{target!r} makes no application: {problem}.")
    return _echo_of(found) if name.startswith(_ECHO) else found


@asynccontextmanager
async def made_in_loop(made: Any) -> AsyncGenerator[Any]:
    """Make the application in the event loop; leave at the end what was entered for it."""
    name = os.environ[APP]
    async with make.made_in_loop(made, name.removeprefix(_ECHO), sock.Options()) as app:
        yield _echo_of(app) if name.startswith(_ECHO) else app


def served_as_asgi() -> Any:
    """Return the same as an ASGI application."""
    found = served()
    check_made(found)
    return found if is_asgi(found) else sock.asgi(found)


def served_as_wsgi(host: str) -> Any:
    """Return the same as a WSGI application.

    Args:
        host: the name of the server, for an error.
    """
    from sock.adapters.wsgi import wsgi

    found = served()
    if is_asgi(found):
        sys.exit(f"an ASGI application runs in an ASGI server, not in {host}: --host uvicorn")
    check_made(found)
    return wsgi(found, options=sock.Options(drain_timeout=contract.DRAIN_BOUND))


def check_made(made: Any) -> None:
    """End the process where an application is made in the event loop: only Sock's server can."""
    if make.needs_event_loop(made):
        sys.exit(
            f"{os.environ[APP].removeprefix(_ECHO)!r} makes the application asynchronously, which"
            " Sock's own server can wait for: --host sock"
        )


def _echo_of(app: Any) -> sock.Application:
    # The limits of the application and its sites hold for the echo too.
    options = sock.Options() if is_asgi(app) else options_of_host(app, sock.Options())
    return sock.Application(Echo, options=options)
