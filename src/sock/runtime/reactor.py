"""One epoll for all sockets of an event loop, itself a single reader of that loop.

A wake-up of the loop handles up to 1,024 ready sockets, without a handle, a transport or a task for
each: that is where the speed comes from (bench/echo). Where there is no epoll, or
`SOCK_REACTOR=transport` says so, the same connections run over the loop's ordinary transports.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, cast, final

from .channel import expect_dead_peer
from .timer import Alarm, Wheel
from .transport import TransportChannel

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from sock.spec.request import Address

    from .channel import Channel, Receiver

_MAX_EVENTS: Final = 1024
_RECEIVE: Final = 64 * 1024
_RETRY: Final = 0.1  # seconds after which the kernel may have memory for a send again
_GONE: Final = 0x010 | 0x008  # EPOLLHUP and EPOLLERR, which are told whatever was asked for
_IN: Final = 0x001
_OUT: Final = 0x004


class Turned(Protocol):
    """Who may ask for a turn."""

    woken: bool
    """Whether a turn has been asked for; the reactor's own."""

    def turn(self) -> None:
        """Do what waits."""

    def admit(self, info: Any, /) -> None:
        """Take an info that another thread has sent."""


@final
class Reactor:
    """The sockets, turns and deadlines of one event loop.

    Got by `Reactor.of`, in that loop's thread.

    Args:
        loop: a running event loop.
        native: whether to use epoll; None for what the machine and `SOCK_REACTOR` say.
    """

    _of: Final[dict[asyncio.AbstractEventLoop, Self]] = {}

    def __init__(self, loop: asyncio.AbstractEventLoop, *, native: bool | None = None) -> None:
        self.loop = loop
        self.native = _has_epoll(loop) if native is None else native
        """Whether sockets are read in an epoll of our own."""
        self.wheel = Wheel(loop)
        self.thread = threading.get_ident()
        """The loop's thread."""
        self.now = loop.time()
        """Seconds of the loop's clock when this turn began; coarse."""
        self._epoll: select.epoll | None = None
        self._channels: dict[int, SocketChannel] = {}
        self._woken: deque[Turned] = deque()
        self._foreign: deque[tuple[Turned, Any]] = deque()
        self._foreign_woken = False

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Reactor:
        """Return the reactor of this loop, which is running in this thread."""
        reactor = cls._of.get(loop)
        if reactor is None:
            for other in [one for one in cls._of if one.is_closed()]:
                del cls._of[other]
            reactor = cls._of[loop] = cls(loop)
        return reactor

    # Sockets.

    def adopt(self, sock: socket.socket, connect: Callable[[Channel], Receiver]) -> None:
        """Take over a connected, non-blocking socket: at once with epoll, soon without.

        What comes is read into the receiver that `connect` returns.
        """
        if not self.native:
            self._adopt_over_transport(sock, connect)
            return
        if self._epoll is None:
            self._epoll = select.epoll()
            self.loop.add_reader(self._epoll.fileno(), self._poll)
        channel = SocketChannel(self, self._epoll, sock)
        self._channels[sock.fileno()] = channel
        channel.receiver = connect(channel)

    def release(self, fd: int) -> None:
        """Forget a socket that is about to be closed; the last one takes the epoll with it."""
        del self._channels[fd]
        if not self._channels and self._epoll is not None:
            self.loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _adopt_over_transport(
        self, sock: socket.socket, connect: Callable[[Channel], Receiver]
    ) -> None:
        def factory() -> TransportChannel:
            return TransportChannel(self, connect)

        task = self.loop.create_task(self.loop.connect_accepted_socket(factory, sock))
        _adopting.add(task)
        task.add_done_callback(_adopted)

    def _poll(self) -> None:
        assert self._epoll is not None, "polled without an epoll"
        self.now = self.loop.time()
        channels = self._channels
        for fd, events in self._epoll.poll(0, _MAX_EVENTS):
            # A socket may have been closed by an earlier one of this turn, its number even reused:
            # then the event is not the new one's, and reading finds nothing (EAGAIN).
            channel = channels.get(fd)
            if channel is not None:
                channel.ready(events)

    # Turns.

    def wake(self, turned: Turned) -> None:
        """Give it a turn soon; asking twice gives one."""
        if not turned.woken:
            turned.woken = True
            self._woken.append(turned)
            if len(self._woken) == 1:
                self._soon()

    def post(self, turned: Turned, info: Any) -> None:
        """Let it take an info soon. From any thread."""
        self._foreign.append((turned, info))
        if not self._foreign_woken:
            self._foreign_woken = True
            try:
                self.loop.call_soon_threadsafe(self._admit)
            except RuntimeError:  # the loop is closed, and so is every connection
                self._foreign.clear()

    def after(self, seconds: float, callback: Callable[[], object]) -> Alarm:
        """Call back after so many seconds, at most a tick late."""
        return Alarm(self.wheel, self.loop.time() + seconds, callback)

    def _soon(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        self.now = self.loop.time()
        woken = self._woken
        try:
            for _ in range(len(woken)):
                turned = woken[0]
                turned.woken = False
                turned.turn()
                woken.popleft()
        except BaseException:
            woken.popleft()
            raise
        finally:
            if woken:
                self._soon()

    def _admit(self) -> None:
        # First the flag: what is appended from now on asks for another call.
        self._foreign_woken = False
        for _ in range(len(self._foreign)):
            turned, info = self._foreign.popleft()
            turned.admit(info)


@final
class SocketChannel:
    """A `Channel` over a socket in a reactor's epoll. Made by `Reactor.adopt`."""

    __slots__ = (
        "_backlog",
        "_closing",
        "_ended",
        "_epoll",
        "_fd",
        "_interest",
        "_reactor",
        "_sock",
        "receiver",
        "taken",
    )

    receiver: Receiver

    def __init__(self, reactor: Reactor, epoll: select.epoll, sock: socket.socket) -> None:
        self._reactor = reactor
        self._epoll = epoll
        self._sock = sock
        self._fd = sock.fileno()
        self._backlog: bytearray | None = None
        self._closing: Callable[[], None] | None = None
        self._ended = False  # the peer has sent FIN
        self._interest = _IN
        self.taken = 0
        epoll.register(self._fd, _IN)

    @property
    def pending(self) -> int:
        """Bytes that the kernel has not taken."""
        return len(self._backlog) if self._backlog is not None else 0

    @property
    def client(self) -> Address | None:
        """Host and port of the peer."""
        return _address(self._sock.getpeername)

    @property
    def server(self) -> Address | None:
        """Host and port that the peer reached."""
        return _address(self._sock.getsockname)

    def ready(self, events: int) -> None:
        """Do what the epoll says is possible."""
        if events & _OUT:
            self._flush()
        if events & _IN:
            self._receive()
        elif events & _GONE:
            self._lose()

    def write(self, data: bytes | bytearray, /) -> None:
        """Send at once what the kernel takes, keep the rest and send it when it can."""
        if self._fd < 0:
            return
        if self._backlog is not None:
            self._backlog += data
            return
        sent = self._send(data)
        if 0 <= sent < len(data):
            self._backlog = data if isinstance(data, bytearray) else bytearray(data)
            del self._backlog[:sent]

    def pause(self, dead_after: float | None = None) -> None:
        """Stop reading; let the kernel find out whether the peer is alive meanwhile."""
        if self._fd >= 0:
            expect_dead_peer(self._sock, dead_after)
            self._watch(self._interest & ~_IN)

    def resume(self) -> None:
        """Read again."""
        if self._fd >= 0 and not self._ended:
            self._watch(self._interest | _IN)

    def finish(self) -> None:
        """Send what is pending, then FIN."""
        self._after_backlog(self._shut)

    def close(self) -> None:
        """Send what is pending, then close."""
        if self._fd >= 0:
            self._watch(self._interest & ~_IN)
            self._after_backlog(self._lose)

    def abort(self) -> None:
        """Close at once."""
        self._lose()

    def _receive(self) -> None:
        if not self._interest & _IN:  # paused by an earlier event of the same turn
            return
        try:
            data = self._sock.recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # ECONNRESET, ETIMEDOUT …
            self._lose()
            return
        if data:
            self.receiver.received(data)
        else:
            self._ended = True
            # The epoll would tell of the end again and again.
            self._watch(self._interest & ~_IN)
            self.receiver.ended()

    def _send(self, data: bytes | bytearray) -> int:
        """Send; return how many bytes the kernel took, -1 when the connection is lost."""
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            if error.errno not in {errno.ENOBUFS, errno.ENOMEM}:
                self._lose()
                return -1
            # The kernel has no memory. The socket is writable for epoll all the same, so asking
            # that would spin.
            self._reactor.after(_RETRY, self._retry)
            return 0
        if sent < len(data):
            self._watch(self._interest | _OUT)
        return sent

    def _retry(self) -> None:
        if self._fd >= 0 and self._backlog is not None:
            self._flush()

    def _flush(self) -> None:
        if self._backlog is None:
            self._watch(self._interest & ~_OUT)
            return
        sent = self._send(self._backlog)
        if sent < 0:
            return
        self.taken += sent
        if sent < len(self._backlog):
            del self._backlog[:sent]
            return
        self._backlog = None
        self._watch(self._interest & ~_OUT)
        if self._closing is not None:
            self._closing()
        self.receiver.drained()

    def _after_backlog(self, then: Callable[[], None]) -> None:
        if self._backlog is None:
            then()
        else:
            self._closing = then

    def _shut(self) -> None:
        if self._fd >= 0:
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError:  # reset meanwhile
                self._lose()

    def _watch(self, interest: int) -> None:
        if interest != self._interest and self._fd >= 0:
            self._interest = interest
            self._epoll.modify(self._fd, interest)

    def _lose(self) -> None:
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        self._interest = 0
        self._backlog = None
        self._epoll.unregister(fd)
        self._reactor.release(fd)
        self._sock.close()
        # Not now: whoever reads this channel may be in the middle of using it.
        self._reactor.loop.call_soon(self._tell_lost)

    def _tell_lost(self) -> None:
        self.receiver.lost()


# The loop keeps only weak references to its tasks.
_adopting: set[asyncio.Task[Any]] = set()


def _adopted(task: asyncio.Task[Any]) -> None:
    _adopting.discard(task)
    if not task.cancelled():
        task.exception()  # a peer that vanished meanwhile is no news


def _has_epoll(loop: asyncio.AbstractEventLoop) -> bool:
    if os.environ.get("SOCK_REACTOR") == "transport" or not hasattr(select, "epoll"):
        return False
    return hasattr(loop, "add_reader") and type(loop).__name__ != "ProactorEventLoop"


def _address(ask: Callable[[], Any]) -> Address | None:
    try:
        address = ask()
    except OSError:  # closed, or lost
        return None
    # IPv6 has two more fields; a UNIX socket has a path in place of all.
    return cast("Address", address[:2]) if isinstance(address, tuple) else None
