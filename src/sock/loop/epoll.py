"""Sockets in an epoll of our own, which the event loop reads as a single file.

A wake-up of the loop handles up to 1,024 ready sockets, without a handle, a transport or a task for
each of them. This is the main reason for the speed of Sock (bench, echo-1).
"""

from __future__ import annotations

import contextvars
import errno
import select
import socket
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, cast, final

from . import fork
from .pipe import NO_RECEIVER, accept_socket, expect_dead_peer
from .wakeable import Wakeable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec.request import Address
    from sock.spec.tls import TLSInfo

    from .pipe import Receiver
    from .reactor import Reactor

_MAX_EVENTS: Final = 1024
_RECEIVE: Final = 64 * 1024
_RETRY: Final = 0.1  # seconds after which the kernel may have memory for a send again
_GONE: Final = 0x010 | 0x008  # EPOLLHUP and EPOLLERR, which the kernel always reports
_IN: Final = 0x001
_OUT: Final = 0x004


accept = accept_socket
"""Returns a connection of a listening socket, in the form that is fastest for `Epoll.add`."""


def refuse(sock: socket.socket) -> None:
    """Close a connection that was accepted and cannot be added."""
    sock.close()


@final
class Epoll:
    """The sockets of one event loop, as long as there are any.

    Args:
        reactor: the reactor of that loop.
    """

    __slots__ = ("_epoll", "_pipes", "_unhandled", "reactor")

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self._epoll = select.epoll()
        self._pipes: dict[int, SocketPipe] = {}
        self._unhandled: deque[tuple[SocketPipe, int]] = (
            deque()
        )  # events for which a turn had no time
        self._start_reading()

    def add(self, sock: socket.socket) -> SocketPipe:
        """Read a connected, non-blocking socket. Its receiver must be set before the next turn."""
        pipe = SocketPipe(self, sock)
        self._epoll.register(sock.fileno(), _IN)
        self._pipes[sock.fileno()] = pipe
        return pipe

    def modify(self, fd: int, interest: int) -> None:
        """Choose which events of a socket are reported."""
        self._epoll.modify(fd, interest)

    def remove(self, fd: int) -> None:
        """Forget a socket that is about to be closed; after the last one, close the epoll too."""
        self._epoll.unregister(fd)
        del self._pipes[fd]
        if not self._pipes:
            self.reactor.loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self.reactor.epoll = None

    def poll(self) -> None:
        """Handle the sockets that are ready."""
        reactor, unhandled = self.reactor, self._unhandled
        reactor.begin_turn()
        reactor.thread = get_ident()
        try:
            if not unhandled:
                try:
                    ready = self._epoll.poll(0, _MAX_EVENTS)
                except Exception:  # no memory, say: the loop would call this in every turn
                    self._stop_reading_for_a_while()
                    raise
                # All pipes are looked up first: an event may close another socket of this turn, and
                # its descriptor may even be used again. The old pipe then ignores its event.
                pipes = self._pipes
                for fd, events in ready:
                    unhandled.append((pipes[fd], events))
            while unhandled:
                pipe, events = unhandled.popleft()
                pipe.ready(events)
                # The epoll would report the same sockets first again, so the rest of the events is
                # kept. The epoll stays readable, so there will be another turn.
                if reactor.overdue():
                    reactor.end_long_turn()
                    return
        finally:
            reactor.thread = 0

    def _stop_reading_for_a_while(self) -> None:
        """Stop reading until there may be memory again."""
        self.reactor.loop.remove_reader(self._epoll.fileno())
        self.reactor.after(_RETRY, self._start_reading_again)

    def _start_reading_again(self) -> None:
        if self._pipes:  # otherwise the epoll was closed with its last socket
            self._start_reading()

    def _start_reading(self) -> None:
        # In an empty context: the loop keeps the context as long as it reads.
        contextvars.Context().run(self.reactor.loop.add_reader, self._epoll.fileno(), self.poll)


@final
class SocketPipe(Wakeable):
    """A `Pipe` over a socket. Made by `Epoll.add`."""

    __slots__ = (
        "_backlog",
        "_closing",
        "_ended",
        "_epoll",
        "_fd",
        "_interest",
        "_sock",
        "client",
        "receiver",
        "server",
        "taken",
    )

    receiver: Receiver

    def __init__(self, epoll: Epoll, sock: socket.socket) -> None:
        super().__init__()
        self.receiver = NO_RECEIVER
        self._epoll = epoll
        self._sock = sock
        self._fd = sock.fileno()
        self._backlog: bytearray | None = None
        self._closing: Callable[[], None] | None = None
        self._ended = False  # the peer has sent FIN
        self._interest = _IN
        self.taken = 0
        self.client = _address(sock.getpeername)
        self.server = _address(sock.getsockname)

    @property
    def tls(self) -> TLSInfo | None:
        """Nothing is encrypted here."""
        return None

    @property
    def pending(self) -> int:
        """Bytes that the kernel has not taken."""
        return len(self._backlog) if self._backlog is not None else 0

    def fileno(self) -> int:
        """Return the descriptor; -1 when it is closed."""
        return self._fd

    def ready(self, events: int) -> None:
        """Handle the events that the epoll has reported."""
        if events & _OUT:
            self._flush()
        if events & _IN:
            self._receive()
        elif events & _GONE:
            self._close_socket()

    def write(self, data: bytes | bytearray, /) -> None:
        """Send at once what the kernel takes; keep the rest and send it later."""
        if self._fd < 0:
            return
        if self._backlog is not None:
            self._backlog += data
            return
        sent = self._send(data)
        if 0 <= sent < len(data):
            try:
                self._backlog = data if isinstance(data, bytearray) else bytearray(data)
                del self._backlog[:sent]
            except MemoryError:  # a part has left already, and no other bytes may follow it
                self._close_socket()
                raise

    def pause(self, dead_after: float | None = None) -> None:
        """Stop reading, and let the kernel find out meanwhile whether the peer is alive."""
        if self._fd >= 0:
            expect_dead_peer(self._sock, dead_after)
            self._set_interest(self._interest & ~_IN)

    def resume(self) -> None:
        """Read again."""
        if self._fd >= 0 and not self._ended:
            self._set_interest(self._interest | _IN)

    def finish(self) -> None:
        """Send what is pending, then FIN."""
        if self._backlog is None:
            self._send_fin()
        else:
            self._closing = self._send_fin

    def close(self) -> None:
        """Send what is pending, then close."""
        if self._backlog is None:
            self._close_socket()
        elif self._fd >= 0:
            self._set_interest(self._interest & ~_IN)
            self._closing = self._close_socket

    def abort(self) -> None:
        """Close at once."""
        self._close_socket()

    def _receive(self) -> None:
        if not self._interest & _IN:  # paused by an earlier event of the same turn
            return
        try:
            data = self._sock.recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # ECONNRESET, ETIMEDOUT …
            self._close_socket()
            return
        except Exception:  # no memory, say: the epoll would report it in every turn
            self._close_socket()
            raise
        if data:
            self.receiver.received(data)
        else:
            self._ended = True
            # The epoll would report the end in every turn.
            self._set_interest(self._interest & ~_IN)
            self.receiver.ended()

    def _send(self, data: bytes | bytearray) -> int:
        """Send, and return how many bytes the kernel took; -1 if the connection is lost."""
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            if error.errno not in {errno.ENOBUFS, errno.ENOMEM}:
                self._close_socket()
                return -1
            # The kernel has no memory. The epoll would report the socket as writable all the same,
            # in every turn.
            self._epoll.reactor.after(_RETRY, self._retry)
            return 0
        except Exception:  # no memory, say: the epoll would report it in every turn
            self._close_socket()
            raise
        if sent < len(data):
            self._set_interest(self._interest | _OUT)
        return sent

    def _retry(self) -> None:
        if self._fd >= 0 and self._backlog is not None:
            self._flush()

    def _flush(self) -> None:
        if self._backlog is None:
            self._set_interest(self._interest & ~_OUT)
            return
        sent = self._send(self._backlog)
        if sent < 0:
            return
        self.taken += sent
        if sent < len(self._backlog):
            del self._backlog[:sent]
            return
        self._backlog = None
        self._set_interest(self._interest & ~_OUT)
        if self._closing is not None:
            self._closing()
        self.receiver.drained()

    def _send_fin(self) -> None:
        if self._fd >= 0:
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError:  # the peer has reset it meanwhile
                self._close_socket()

    def _set_interest(self, interest: int) -> None:
        if interest != self._interest and self._fd >= 0:
            self._interest = interest
            self._epoll.modify(self._fd, interest)

    def _close_socket(self) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        self._interest = 0
        self._backlog = None
        try:
            self._epoll.remove(fd)
        finally:
            if fork.happened:
                fork.shut(fd)
            self._sock.close()
        # The receiver is told later, because it may be using this pipe at this moment.
        self._epoll.reactor.wake(self)

    def turn(self) -> None:
        """Tell the receiver that the pipe is gone."""
        receiver = self.receiver
        self.receiver = NO_RECEIVER  # the two refer to each other, and both shall be freed at once
        receiver.lost()


def _address(ask: Callable[[], Any]) -> Address | None:
    try:
        address = ask()
    except OSError:  # closed, or lost
        return None
    # IPv6 has two more fields; a UNIX socket has a path in place of all.
    return cast("Address", address[:2]) if isinstance(address, tuple) else None
