"""Accepting connections from a listening socket, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from typing import TYPE_CHECKING, Final, final

from sock import telemetry
from sock.loop import accept_socket, fork

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from sock.loop.sockets import Accepted

_ACCEPTS_PER_TURN: Final = 64
"""Connections accepted in one turn, before the live connections get theirs."""

_PAUSE: Final = 1.0
"""Seconds without accepting, when descriptors or memory do not suffice for another connection."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@final
class Listener:
    """Accepts the connections to one listening socket, from `start` to `close`.

    Args:
        sock: the listening socket, which does not block; `close` closes it.
        accepted: called with each new socket, which does not block either.
        accept: returns the next connection that waits on the listening socket, or None.
    """

    def __init__(
        self,
        sock: socket.socket,
        accepted: Callable[[Accepted], None],
        accept: Callable[[socket.socket], Accepted | None] = accept_socket,
    ) -> None:
        self._sock = sock
        self._accepted = accepted
        self._take = accept
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Accept from now on."""
        self._timer = None
        try:
            self._loop.add_reader(self._sock.fileno(), self._accept)
        except NotImplementedError:  # Windows' proactor
            self._task = self._loop.create_task(self._accept_slowly())

    def close(self) -> None:
        """Accept nothing more. The kernel refuses the connections that wait in its backlog."""
        self._stop_accepting()
        if (
            fork.happened
        ):  # a child still has the socket, and the kernel would go on accepting for it
            fork.shut(self._sock.fileno())
        self._sock.close()

    def leave(self) -> None:
        """Accept nothing more. Another process goes on with this socket, and with its backlog."""
        self._stop_accepting()
        self._sock.close()

    def _stop_accepting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        elif self._task is not None:
            self._task.cancel()
        else:
            self._loop.remove_reader(self._sock.fileno())

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                sock = self._take(self._sock)
                if sock is None:
                    return
                self._accepted(sock)
            except ConnectionAbortedError:  # the peer has gone while it waited
                continue
            except (OSError, MemoryError) as error:
                if isinstance(error, OSError) and error.errno not in _EXHAUSTED:
                    raise
                self._loop.remove_reader(self._sock.fileno())
                self._pause(error)
                return

    def _pause(self, error: OSError | MemoryError) -> None:
        # The socket stays readable: without a pause the loop would do nothing else.
        telemetry.emit("accept.paused", error=error, seconds=_PAUSE)
        self._timer = self._loop.call_later(_PAUSE, self.start)

    async def _accept_slowly(self) -> None:
        while True:
            try:
                sock, _ = await self._loop.sock_accept(self._sock)
            except ConnectionAbortedError:
                continue
            except (OSError, MemoryError) as error:
                if isinstance(error, OSError) and error.errno not in _EXHAUSTED:
                    raise
                telemetry.emit("accept.paused", error=error, seconds=_PAUSE)
                await asyncio.sleep(_PAUSE)
                continue
            with contextlib.suppress(OSError):
                sock.settimeout(0)
                self._accepted(sock)
