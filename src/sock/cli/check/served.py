"""What the process that `sock check` starts serves: what the variables of `hosts` name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sock
from sock.cli.find import find, is_asgi
from sock.hosting.options import options_of_host
from sock.testing import contract

from .hosts import APP, ECHO, FOLDER, SUITE

if TYPE_CHECKING:
    from sock.spec import App


class Echo(sock.Sock):
    """Sends every message back."""

    def handle_in(self, message: str | bytes, /) -> str | bytes:
        """Return the message."""
        return message


def served() -> Any:
    """Return what the variables name: an application of Sock's, or an ASGI application."""
    name, folder = os.environ[APP], Path(os.environ[FOLDER])
    if name == SUITE:
        return contract.app
    if not name.startswith(ECHO + " "):
        return find(name, folder)
    of = find(name.removeprefix(ECHO + " "), folder)
    # The limits of the application and its sites hold for the echo too.
    options = sock.Options() if is_asgi(of) else _options_of(of)
    return sock.Application(Echo, options=options)


def _options_of(app: App) -> sock.Options:
    return options_of_host(app, sock.Options())


def served_as_asgi() -> Any:
    """Return the same as an ASGI application."""
    found = served()
    return found if is_asgi(found) else sock.asgi(found)
