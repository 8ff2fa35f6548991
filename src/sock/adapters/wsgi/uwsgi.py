"""What uWSGI tells of itself: the descriptor of a connection, and the options that it runs with.

uWSGI gives its workers a module of the same name, which exists nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Generator

_ENDING: Final = {
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP")
    if hasattr(signal, name)
}


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


def workers() -> tuple[int, int]:
    """Return how many workers there are beside this one, itself included, and their parent.

    There is none in the process that starts them, and none without uWSGI.
    """
    module = _module()
    if module is None or not module.worker_id():
        return 0, 0
    return module.numproc, module.masterpid() or os.getppid()


def leave_signals_to_main_thread() -> None:
    """Let this thread get no signal by which uWSGI ends a worker.

    uWSGI ends the process in the thread that gets the signal, and that thread would wait for itself
    to end. A Ctrl-C comes twice: from the terminal, and from the process that has started this one.
    """
    if _module() is not None:
        # Without SIGTERM: programs that a callback starts inherit this, and are ended by that one.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING - {signal.SIGTERM})


def hold_signals() -> None:
    """Let no second signal end the process while this thread waits for the drain."""
    if _module() is not None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def _module() -> Any:
    return sys.modules.get("uwsgi")


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
