"""How a connected socket becomes a pipe: in an epoll of our own, or over an asyncio transport.

Where there is epoll, all sockets of an event loop are read in one of our own (`epoll`). Where there
is none, or where `SOCK_REACTOR=transport` says so, the same connections run over the ordinary
transports of the loop (`transport`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from .epoll import Epoll
from .epoll import accept as accept_for_epoll
from .epoll import refuse as refuse_accepted
from .pipe import accept_socket
from .transport import TransportPipe

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable

    from .pipe import Pipe, Receiver
    from .reactor import Reactor

Accepted: TypeAlias = "socket.socket"
"""A connected socket that does not block; the compiled `accept` returns its descriptor instead."""


def accept(reactor: Reactor, listening: socket.socket) -> Accepted | None:
    """Return a connection that waits in a listening socket, for `adopt`; None if none waits.

    Raises:
        OSError: the kernel has no means for one more connection, or the connection is gone already.
    """
    return accept_for_epoll(listening) if reactor.uses_epoll else accept_socket(listening)


def adopt(reactor: Reactor, sock: Accepted, connect: Callable[[Pipe], Receiver]) -> None:
    """Take over a connected, non-blocking socket: at once with epoll, soon without it.

    Args:
        reactor: of the event loop that reads the socket from now on.
        sock: belongs to its pipe from now on.
        connect: is called with the pipe and returns the receiver that reads it.
    """
    if not reactor.uses_epoll:
        _adopt_over_transport(reactor, sock, connect)
        return
    if reactor.epoll is None:
        try:
            reactor.epoll = Epoll(reactor)
        except BaseException:  # no descriptor is left, say: nobody shall wait for an answer
            refuse_accepted(sock)
            raise
    pipe = reactor.epoll.add(sock)
    try:
        pipe.receiver = connect(pipe)
    except BaseException:  # there is nobody to read it
        pipe.abort()
        raise


def _adopt_over_transport(
    reactor: Reactor, sock: socket.socket, connect: Callable[[Pipe], Receiver]
) -> None:
    def new_pipe() -> TransportPipe:
        return TransportPipe(reactor, connect)

    task = reactor.loop.create_task(reactor.loop.connect_accepted_socket(new_pipe, sock))
    _adopting.add(task)
    task.add_done_callback(_adopted)


# The loop keeps only weak references to its tasks.
_adopting: set[asyncio.Task[Any]] = set()


def _adopted(task: asyncio.Task[Any]) -> None:
    _adopting.discard(task)
    if not task.cancelled():
        task.exception()  # a peer that vanished meanwhile is no news
