"""The listening sockets: bound, and emptied of what has connected."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Final, final

from sock import telemetry
from sock.loop import accept_socket, fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.loop.reactor import Accepted

BACKLOG: Final = 2048
"""Connections that the kernel keeps for us; Linux cuts it to `net.core.somaxconn`."""

_ACCEPTS_A_TURN: Final = 64
"""Connections accepted before those that are live get their turn again."""

_PAUSE: Final = 1.0
"""Seconds without accepting when there are no descriptors or memory for one connection more."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


async def bind(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for every address of a host, all on one port.

    Args:
        host: a name or an address; "" for every interface.
        port: 0 for one that is free.

    Raises:
        OSError: the name is not known, or an address cannot be bound.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError:  # a name has an IPv6 address, the machine no IPv6
                if len(found) > 1:
                    continue
                raise
            sockets.append(sock)
            # The second address of a name gets the port that was found for the first.
            free = port or (sockets[0].getsockname()[1] if len(sockets) > 1 else 0)
            _listen(sock, (address[0], free, *address[2:]))
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _listen(sock: socket.socket, address: tuple[str | int, ...]) -> None:
    sock.settimeout(0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit it, which saves a system call for each.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(address)
    sock.listen(BACKLOG)


@final
class Listener:
    """Accepts what connects to one listening socket, from `start` to `close`.

    Args:
        sock: listening, without blocking; closed by `close`.
        accepted: called with each new socket, which does not block either.
        accept: takes one that waits out of the listening socket, or returns None.
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
        """Accept nothing more; who waits in the backlog is refused by the kernel."""
        if self._timer is not None:
            self._timer.cancel()
        elif self._task is not None:
            self._task.cancel()
        else:
            self._loop.remove_reader(self._sock.fileno())
        if fork.happened:  # else the kernel would accept for the child, which never answers
            fork.shut(self._sock.fileno())
        self._sock.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            try:
                sock = self._take(self._sock)
                if sock is None:
                    return
                self._accepted(sock)
            except ConnectionAbortedError:  # gone while it waited
                continue
            except (OSError, MemoryError) as error:
                if isinstance(error, OSError) and error.errno not in _EXHAUSTED:
                    raise
                self._loop.remove_reader(self._sock.fileno())
                self._pause(error)
                return

    def _pause(self, error: OSError | MemoryError) -> None:
        # The socket stays readable: without a pause the loop would spin.
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
