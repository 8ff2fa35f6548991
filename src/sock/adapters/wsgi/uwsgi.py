"""What uWSGI tells of itself: the descriptor of a connection, and the options that it runs with.

uWSGI gives its workers a module of the same name, which exists nowhere else.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Generator


@final
class Connection:
    """The connection of a request, of which uWSGI tells the descriptor only.

    Args:
        descriptor: of the socket, which stays uWSGI's.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def getpeername(self) -> Any:
        """Return the address of the peer."""
        with self._lent() as sock:
            return sock.getpeername()

    def getsockname(self) -> Any:
        """Return the address that the peer has reached."""
        with self._lent() as sock:
            return sock.getsockname()

    @contextlib.contextmanager
    def _lent(self) -> Generator[socket.socket]:
        sock = socket.socket(fileno=self._descriptor)
        try:
            yield sock
        finally:
            sock.detach()


def connection() -> Connection | None:
    """Return the connection of the request that this thread answers; None if uWSGI has none."""
    with contextlib.suppress(Exception):  # uWSGI documents no error
        return Connection(_module().connection_fd())
    return None


def missing_option() -> str:
    """Return which option uWSGI needs for a Sock and does not have; "" if it has what it needs."""
    module = _module()
    given = {_text(name) for name in getattr(module, "opt", {})}
    if not getattr(module, "has_threads", False):
        return (
            "uWSGI runs no thread of Python between two requests, and Sock serves its connections"
            " in one: start it with --enable-threads"
        )
    if given & {"http", "https"} and "http-websockets" not in given:
        return "the HTTP router of uWSGI passes no WebSockets on: start it with --http-websockets"
    return ""


def _module() -> Any:
    return sys.modules.get("uwsgi")


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
