"""The listening sockets: how they are bound, and how connections are accepted from them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast, final

from sock import telemetry
from sock.loop import accept_socket, fork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sock.loop.sockets import Accepted

BACKLOG: Final = 2048
"""Connections that wait in the kernel at most. Linux lowers it to `net.core.somaxconn`."""

_ACCEPTS_PER_TURN: Final = 64
"""Connections accepted in one turn, before the live connections get theirs."""

_PAUSE: Final = 1.0
"""Seconds without accepting, when descriptors or memory do not suffice for another connection."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Bound:
    """The listening sockets of one address.

    Args:
        sockets: several where the name of a host has several addresses.
        host: as it was given, or the address of every interface; empty for a Unix socket.
        port: the free one that was found, where 0 was given; 0 for a Unix socket.
        path: of a Unix socket; None for TCP.
    """

    sockets: tuple[socket.socket, ...]
    host: str = ""
    port: int = 0
    path: str | None = None

    def url(self) -> str:
        """Return where it listens, such as "http://127.0.0.1:8000" or "unix:/run/chat.sock"."""
        if self.path is not None:
            return f"unix:{self.path}"
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def close(self) -> None:
        """Close all of its sockets."""
        for sock in self.sockets:
            sock.close()


def taken_over(sockets: Iterable[socket.socket]) -> list[Bound]:
    """Return sockets in which somebody else has bound an address, and which listen already.

    Raises:
        ValueError: one of them does not listen.
    """
    return [_taken_over(sock) for sock in sockets]


def _taken_over(sock: socket.socket) -> Bound:
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ValueError(f"a socket that is handed over listens already, which {sock!r} does not")
    sock.settimeout(0)
    address: Any = sock.getsockname()
    if isinstance(address, tuple):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as in `_listen`
        host, port, *_ = cast("tuple[Any, ...]", address)
        return Bound((sock,), host, port)
    # Linux has addresses without a file too, which begin with a zero byte; "@" is usual for it.
    path = address if isinstance(address, str) else "@" + os.fsdecode(address[1:])
    return Bound((sock,), path=path)


async def bind(host: str, port: int) -> Bound:
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
            except OSError:  # the name may have an IPv6 address, and the machine no IPv6
                if len(found) > 1:
                    continue
                raise
            sockets.append(sock)
            # The other addresses of a name get the port that was found for the first one.
            free = port or (sockets[0].getsockname()[1] if len(sockets) > 1 else 0)
            _listen(sock, (address[0], free, *address[2:]))
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    first: Any = sockets[0].getsockname()
    return Bound(tuple(sockets), host or str(first[0]), int(first[1]))


def _listen(sock: socket.socket, address: tuple[str | int, ...]) -> None:
    sock.settimeout(0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit this option, which saves a system call for each of them.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(address)
    sock.listen(BACKLOG)


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
        if self._timer is not None:
            self._timer.cancel()
        elif self._task is not None:
            self._task.cancel()
        else:
            self._loop.remove_reader(self._sock.fileno())
        if (
            fork.happened
        ):  # a child still has the socket, and the kernel would go on accepting for it
            fork.shut(self._sock.fileno())
        self._sock.close()

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
