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
from .slow_callback import report_slow_turn
from .timer import Alarm, Wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from .wakeable import Wakeable


# asyncio documents this function for authors of event loops. Unlike the public function, it returns
# None where no loop runs.
_get_running_loop = asyncio._get_running_loop  # noqa: SLF001

MAX_TURN_NANOSECONDS: Final = 10_000_000
"""How long a turn may take before the other work of the loop gets its turn."""


FOREVER: Final = 1 << 62
"""Nanoseconds, 146 years: small enough that a time can be added to it."""


_reactors: Final[dict[asyncio.AbstractEventLoop, Reactor]] = {}
"""The reactors by their loops. Cython would warn of this annotation in the class."""


class InfoReceiver(Protocol):
    """An object to which other threads may send infos."""

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
        """That epoll while it has sockets: made by `sockets.adopt`, closed with its last socket."""
        self.wheel = Wheel(loop)
        self.eager = Eager(loop)
        """Begins the coroutines of all connections."""
        self.scope = Scope(contextvars.Context(), shared=True)
        """The scope of all connections that were accepted where no context variable was set."""
        self.thread = 0
        """The thread of the loop during a turn of the reactor, else 0; see `in_loop_thread`."""
        self.now = loop.time()
        """The time of the loop's clock at which this turn began, in seconds."""
        self.max_turn_nanoseconds = MAX_TURN_NANOSECONDS
        """How long a turn may take; `FOREVER` where a test lets time stand still."""
        self.deadline = sys.maxsize
        """The time at which this turn should end, in nanoseconds of the monotonic clock."""
        self._woken: list[Wakeable] = []
        self._infos_from_threads: deque[tuple[InfoReceiver, Any]] = deque()
        self._admission_scheduled = False

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Reactor:
        """Return the reactor of this loop, which is running in this thread."""
        reactor = _reactors.get(loop)
        if reactor is None:
            for other in list(_reactors):  # a copy: other threads may add their loops
                if other.is_closed():
                    _reactors.pop(other, None)
            reactor = _reactors[loop] = cls(loop)
        return reactor

    # Turns.

    def begin_turn(self) -> None:
        """Begin a turn, before bytes are given to one or more connections: note the time."""
        self.now = self.loop.time()
        self.deadline = time.monotonic_ns() + self.max_turn_nanoseconds

    def in_loop_thread(self) -> bool:
        """Tell whether this is the thread that runs the loop at this moment."""
        return get_ident() == self.thread or _get_running_loop() is self.loop

    def overdue(self) -> bool:
        """Tell whether this turn has lasted too long."""
        return time.monotonic_ns() > self.deadline

    def end_long_turn(self) -> None:
        """Take note that a turn has ended that was overdue: a callback may have blocked it."""
        report_slow_turn(time.monotonic_ns() - self.deadline + self.max_turn_nanoseconds)

    def wake(self, wakeable: Wakeable) -> None:
        """Give an object a turn soon. Several calls before that turn give it only one."""
        if not wakeable.woken:
            wakeable.woken = True
            self._woken.append(wakeable)
            if len(self._woken) == 1:
                self._schedule_turn()

    def post(self, receiver: InfoReceiver, info: Any) -> None:
        """Let an object take an info soon. This may be called from any thread."""
        self._infos_from_threads.append((receiver, info))
        if not self._admission_scheduled:
            self._admission_scheduled = True
            with contextlib.suppress(RuntimeError):  # raised if the loop is closed
                self.loop.call_soon_threadsafe(self._admit)
        if self.loop.is_closed():  # all its connections are over
            self._infos_from_threads.clear()

    def after(self, seconds: float, callback: Callable[[], object]) -> Alarm:
        """Call a function after so many seconds, at most one tick late."""
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
                # Not after each one: reading the clock costs half as much as a turn.
                if not done % 16 and self.overdue():
                    break
        finally:  # after an error, the others get their turn later
            self.thread = 0
            if self.overdue():
                self.end_long_turn()
            if done < len(woken):
                if not self._woken:
                    self._schedule_turn()
                self._woken[:0] = woken[done:]

    def _admit(self) -> None:
        # The flag is reset first: infos that are appended from now on cause another call.
        self._admission_scheduled = False
        left = len(self._infos_from_threads)
        try:
            while left:
                left -= 1
                receiver, info = self._infos_from_threads.popleft()
                receiver.admit(info)
        finally:
            if left:  # after an error, the others are taken later
                self.loop.call_soon(self._admit)


def _has_epoll(loop: asyncio.AbstractEventLoop) -> bool:
    wanted = os.environ.get("SOCK_REACTOR", "") or "epoll"
    if wanted not in {"epoll", "transport"}:
        raise ValueError(f"SOCK_REACTOR is epoll or transport, not {wanted!r}")
    if wanted == "transport" or not hasattr(select, "epoll"):
        return False
    return hasattr(loop, "add_reader") and type(loop).__name__ != "ProactorEventLoop"
