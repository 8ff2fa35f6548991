"""What the connections of one event loop share: their turns, their deadlines, infos from threads.

The sockets of these connections are in `sockets`, which stands above this module.
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
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from .eager import Eager
from .scope import Scope
from .timer import Alarm, Wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from .wakeable import Wakeable


# Documented, for event loops: it does not raise where none runs.
_get_running_loop = asyncio._get_running_loop  # noqa: SLF001

PATIENCE: Final = 10_000_000
"""Nanoseconds that a turn may take before the loop's other work gets its own."""


FOREVER: Final = 1 << 62
"""Nanoseconds, 146 years: what is added to it is still a time."""


_reactors: Final[dict[asyncio.AbstractEventLoop, Reactor]] = {}
"""By their loops. Not of the class: Cython warns of an annotation there, at every build."""


class InfoReceiver(Protocol):
    """Whom other threads may send to."""

    def admit(self, info: Any, /) -> None:
        """Take an info that another thread has sent."""


@final
class Reactor:
    """The turns and deadlines of one event loop.

    `Reactor.of` returns it, in the thread of that loop.

    Args:
        loop: a running event loop.
        uses_epoll: whether sockets are read in an epoll of our own; None leaves that to the machine
            and to `SOCK_REACTOR`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, uses_epoll: bool | None = None) -> None:
        self.loop = loop
        self.uses_epoll = _has_epoll(loop) if uses_epoll is None else uses_epoll
        """Whether sockets are read in an epoll of our own."""
        self.epoll: Any = None
        """That epoll while it has sockets: `sockets.adopt` makes it, its last socket ends it."""
        self.wheel = Wheel(loop)
        self.eager = Eager(loop)
        """Begins coroutines."""
        self.scope = Scope(contextvars.Context(), shared=True)
        """Of all connections that were accepted where no context variable was set."""
        self.thread = 0
        """The loop's thread, in a turn of the reactor's; see `in_loop_thread`."""
        self.now = loop.time()
        """Seconds of the loop's clock when this turn began; coarse."""
        self.patience = PATIENCE
        """Nanoseconds that a turn may take; without end where time stands still."""
        self.deadline = sys.maxsize
        """When this turn should end: nanoseconds of the monotonic clock; a loop's may stand."""
        self._woken: list[Wakeable] = []
        self._infos_from_threads: deque[tuple[InfoReceiver, Any]] = deque()
        self._admission_scheduled = False

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

    # Turns.

    def begin_turn(self) -> None:
        """Take the time: whoever calls this hands over what has come to one or many connections."""
        self.now = self.loop.time()
        self.deadline = time.monotonic_ns() + self.patience

    def in_loop_thread(self) -> bool:
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
                self._schedule_turn()

    def post(self, receiver: InfoReceiver, info: Any) -> None:
        """Let it take an info soon. From any thread."""
        self._infos_from_threads.append((receiver, info))
        if not self._admission_scheduled:
            self._admission_scheduled = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self._admit)
        if self.loop.is_closed():  # and so is every connection
            self._infos_from_threads.clear()

    def after(self, seconds: float, callback: Callable[[], object]) -> Alarm:
        """Call back after so many seconds, at most a tick late."""
        return Alarm(self.wheel, self.loop.time() + seconds, callback)

    def _schedule_turn(self) -> None:
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
                    self._schedule_turn()
                self._woken[:0] = woken[done:]

    def _admit(self) -> None:
        # First the flag: what is appended from now on asks for another call.
        self._admission_scheduled = False
        left = len(self._infos_from_threads)
        try:
            while left:
                left -= 1
                receiver, info = self._infos_from_threads.popleft()
                receiver.admit(info)
        finally:
            if left:  # an error costs the others nothing
                self.loop.call_soon(self._admit)


def _has_epoll(loop: asyncio.AbstractEventLoop) -> bool:
    wanted = os.environ.get("SOCK_REACTOR", "") or "epoll"
    if wanted not in {"epoll", "transport"}:
        raise ValueError(f"SOCK_REACTOR is epoll or transport, not {wanted!r}")
    if wanted == "transport" or not hasattr(select, "epoll"):
        return False
    return hasattr(loop, "add_reader") and type(loop).__name__ != "ProactorEventLoop"
