"""What an event loop's connections share: their sockets, turns and deadlines.

Where there is epoll, all sockets are read in one of our own (`epoll`). Where there is none, or
`SOCK_REACTOR=transport` says so, the same connections run over the loop's ordinary transports.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import select
import sys
import time
from collections import deque
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, final

from .eager import Eager
from .epoll import Epoll
from .epoll import accept as accept_for_epoll
from .epoll import refuse as refuse_accepted
from .pipe import accept_socket
from .scope import Scope
from .timer import Alarm, Wheel
from .transport import TransportPipe

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from .pipe import Pipe, Receiver
    from .wakeable import Wakeable


# Documented, for event loops: it does not raise where none runs.
_get_running_loop = asyncio._get_running_loop  # noqa: SLF001

PATIENCE: Final = 10_000_000
"""Nanoseconds that a turn may take before the loop's other work gets its own."""


Accepted: TypeAlias = "socket.socket"
"""A connected socket that does not block; from `accept` its descriptor, where the core is used."""


FOREVER: Final = 1 << 62
"""Nanoseconds, 146 years: what is added to it is still a time."""


_reactors: Final[dict[asyncio.AbstractEventLoop, Reactor]] = {}
"""By their loops. Not of the class: Cython warns of an annotation there, at every build."""


class Addressed(Protocol):
    """Whom other threads may send to."""

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

    def __init__(self, loop: asyncio.AbstractEventLoop, *, native: bool | None = None) -> None:
        self.loop = loop
        self.native = _has_epoll(loop) if native is None else native
        """Whether sockets are read in an epoll of our own."""
        self.wheel = Wheel(loop)
        self.eager = Eager(loop)
        """Begins coroutines."""
        self.scope = Scope(contextvars.Context(), shared=True)
        """Of all connections that were accepted where no context variable was set."""
        self.thread = 0
        """The loop's thread, in a turn of the reactor's; see `here`."""
        self.now = loop.time()
        """Seconds of the loop's clock when this turn began; coarse."""
        self.patience = PATIENCE
        """Nanoseconds that a turn may take; without end where time stands still."""
        self.deadline = sys.maxsize
        """When this turn should end: nanoseconds of the monotonic clock; a loop's may stand."""
        self._epoll: Epoll | None = None
        self._woken: list[Wakeable] = []
        self._foreign: deque[tuple[Addressed, Any]] = deque()
        self._foreign_woken = False

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Reactor:
        """Return the reactor of this loop, which is running in this thread."""
        reactor = _reactors.get(loop)
        if reactor is None:
            for other in list(_reactors):  # at one go: other threads have loops too
                if other.is_closed():
                    _reactors.pop(other, None)
            reactor = _reactors[loop] = cls(loop)
        return reactor

    # Sockets.

    def accept(self, listening: socket.socket) -> Accepted | None:
        """Return a connection that waits in a listening socket, for `adopt`; None for none.

        Raises:
            OSError: the kernel has not the means for one more, or it is gone already.
        """
        return accept_for_epoll(listening) if self.native else accept_socket(listening)

    def adopt(self, sock: Accepted, connect: Callable[[Pipe], Receiver]) -> None:
        """Take over a connected, non-blocking socket: at once with epoll, soon without.

        What comes is read into the receiver that `connect` returns.
        """
        if not self.native:
            self._adopt_over_transport(sock, connect)
            return
        if self._epoll is None:
            try:
                self._epoll = Epoll(self)
            except BaseException:  # no descriptor is left, say: nobody shall wait for an answer
                refuse_accepted(sock)
                raise
        pipe = self._epoll.add(sock)
        try:
            pipe.receiver = connect(pipe)
        except BaseException:  # there is nobody to read it
            pipe.abort()
            raise

    def emptied(self) -> None:
        """Let go of the epoll: its last socket is gone."""
        self._epoll = None

    def _adopt_over_transport(
        self, sock: socket.socket, connect: Callable[[Pipe], Receiver]
    ) -> None:
        def factory() -> TransportPipe:
            return TransportPipe(self, connect)

        task = self.loop.create_task(self.loop.connect_accepted_socket(factory, sock))
        _adopting.add(task)
        task.add_done_callback(_adopted)

    # Turns.

    def begin_turn(self) -> None:
        """Take the time: whoever calls this hands over what has come to one or many connections."""
        self.now = self.loop.time()
        self.deadline = time.monotonic_ns() + self.patience

    def here(self) -> bool:
        """Tell whether this is the loop's thread, which may be another one each time it runs."""
        return get_ident() == self.thread or _get_running_loop() is self.loop

    def overdue(self) -> bool:
        """Tell whether this turn has lasted too long."""
        return time.monotonic_ns() > self.deadline

    def wake(self, wakeable: Wakeable) -> None:
        """Give it a turn soon; asking twice gives one."""
        if not wakeable.woken:
            wakeable.woken = True
            self._woken.append(wakeable)
            if len(self._woken) == 1:
                self._soon()

    def post(self, addressed: Addressed, info: Any) -> None:
        """Let it take an info soon. From any thread."""
        self._foreign.append((addressed, info))
        if not self._foreign_woken:
            self._foreign_woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self._admit)
        if self.loop.is_closed():  # and so is every connection
            self._foreign.clear()

    def after(self, seconds: float, callback: Callable[[], object]) -> Alarm:
        """Call back after so many seconds, at most a tick late."""
        return Alarm(self.wheel, self.loop.time() + seconds, callback)

    def _soon(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        self.begin_turn()
        self.thread = get_ident()
        woken, self._woken = self._woken, []
        done = 0
        try:
            for wakeable in woken:
                wakeable.woken = False
                done += 1
                wakeable.turn()
                if not done % 16 and self.overdue():  # a look at the clock costs half a turn
                    break
        finally:  # an error costs the others nothing
            self.thread = 0
            if done < len(woken):
                if not self._woken:
                    self._soon()
                self._woken[:0] = woken[done:]

    def _admit(self) -> None:
        # First the flag: what is appended from now on asks for another call.
        self._foreign_woken = False
        left = len(self._foreign)
        try:
            while left:
                left -= 1
                addressed, info = self._foreign.popleft()
                addressed.admit(info)
        finally:
            if left:  # an error costs the others nothing
                self.loop.call_soon(self._admit)


# The loop keeps only weak references to its tasks.
_adopting: set[asyncio.Task[Any]] = set()


def _adopted(task: asyncio.Task[Any]) -> None:
    _adopting.discard(task)
    if not task.cancelled():
        task.exception()  # a peer that vanished meanwhile is no news


def _has_epoll(loop: asyncio.AbstractEventLoop) -> bool:
    wanted = os.environ.get("SOCK_REACTOR", "") or "epoll"
    if wanted not in {"epoll", "transport"}:
        raise ValueError(f"SOCK_REACTOR is epoll or transport, not {wanted!r}")
    if wanted == "transport" or not hasattr(select, "epoll"):
        return False
    return hasattr(loop, "add_reader") and type(loop).__name__ != "ProactorEventLoop"
