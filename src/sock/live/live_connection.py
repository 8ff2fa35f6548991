"""What all connections have in common: one live connection, the host of its life cycle.

    LiveConnection            turns, deadlines, infos, callbacks at the end
     ├─ TcpConnection         ends TCP itself
     │   ├─ Lane ── Link      speaks the wire itself, over a pipe of ours
     │   └─ EngineConnection  leaves the frames to a host
     └─ Bridge                leaves the wire to another server

A live connection lasts from its 101 to the end of `terminate`. It decides nothing: the life cycle
(`sock.engine.Lifecycle`) decides, and the connection carries that out.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sock import telemetry
from sock.engine import NEVER, Lifecycle, Phase
from sock.engine.throttle import Throttle
from sock.loop.scope import Scoped
from sock.loop.slow_callback import report_if_slow
from sock.loop.timer import NO_SLOT

from .held import held_by
from .infos_from_threads import OVERFLOW, InfoCount
from .state import OPEN

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from sock.engine import Keepalive
    from sock.loop.reactor import Reactor
    from sock.loop.scope import Scope
    from sock.loop.timer import Alarm
    from sock.spec import Options, Request, Sock
    from sock.spec.ref import Timer

    from .held import Held

_BOUNDS_OF_AN_END: Final = 3
"""How many bounds an end has: the callbacks', that of their cancellation, and `terminate`'s."""

# Held for one assignment, which calls nothing that could send an info.
_making_a_count: Final = threading.RLock()


class LiveConnection(Scoped):
    """One live connection. `Link` and `Bridge` complete it.

    Args:
        reactor: of the event loop.
        request: that was upgraded.
        handler: of the application; its callbacks are called.
        options: all limits, laid over those of the host.
        keepalive: knows when the peer is to be taken for dead.
        debug: whether to report callbacks that block the event loop.
        scope: the connection's turns, deadlines and callbacks run in it.
    """

    __slots__ = (
        "_alarm_at",
        "_done_callbacks",
        "_letting_go",
        "_opened_at",
        "_options",
        "_timers",
        "_waiters",
        "debug",
        "infos_from_threads",
        "keepalive",
        "lifecycle",
        "reactor",
        "request",
        "slot",
        "state",
        "throttle",
    )

    def _set_up(
        self,
        reactor: Reactor,
        request: Request,
        handler: Sock[Any, Any, Any],
        options: Options,
        keepalive: Keepalive,
        debug: bool,  # noqa: FBT001 - one of many
        scope: Scope,
    ) -> None:
        """Do what a constructor would do. Link and Bridge call this in theirs.

        In compiled code, each `super().__init__` on the way up costs as much as all that is done
        here for it (bench, sock connect).
        """
        self.woken = False
        self.scope = scope
        self.reactor = reactor
        self.request = request
        self._options = options
        self.keepalive = keepalive
        self.debug = debug
        host: Any = self  # Link and Bridge have the rest of what a host is asked for
        self.lifecycle = Lifecycle(handler, options, host, report_if_slow if debug else None)
        """Decides everything."""
        self.state = OPEN
        self.slot = NO_SLOT
        """Written by the wheel, which keeps the deadlines."""
        self.infos_from_threads: InfoCount | None = None
        """Made when another thread sends for the first time: most connections never need it."""
        self._opened_at = keepalive.heard  # now
        self._alarm_at = NEVER  # the deadline of the life cycle
        limit = options.rate_limit
        self.throttle = None if limit is None else Throttle(limit, self._opened_at)
        """Counts what the peer sends; None without a limit."""
        self._letting_go: Alarm | None = None  # while a peer that was too fast is held back
        # Made when they are needed: an idle connection keeps no empty list.
        self._done_callbacks: list[Callable[[], None]] | None = None
        self._timers: set[Timer] | None = None
        self._waiters: list[asyncio.Future[None]] | None = None

    # For the life cycle, whose host this is. Link and Bridge have the rest of `sock.engine.Host`.

    def wake(self) -> None:
        """Ask for a turn."""
        self.reactor.wake(self)

    def overdue(self) -> bool:
        """Tell whether this turn has lasted too long."""
        return self.reactor.overdue()

    def alarm(self, seconds: float | None, /) -> None:
        """Set the deadline of the life cycle; None removes it."""
        self._alarm_at = NEVER if seconds is None else self.reactor.loop.time() + seconds
        self.arm_soon()

    def within_rate(self, size: int) -> bool:
        """Count what the peer has sent against its limit; tell whether it may be handled.

        If it is too much, the limit says what is done: nothing is read for a while, or the
        connection ends.

        Args:
            size: bytes of the payload of a message or a control frame.
        """
        throttle = self.throttle
        assert throttle is not None, "asked where there is a limit only"
        seconds = throttle.take(size, self.reactor.loop.time())
        if not seconds:
            return True
        if throttle.closes:
            self.lifecycle.violated(throttle.exceeded())
            return False
        if self._letting_go is None:
            let_go = partial(self.run_in_scope, self._let_go)
            self._letting_go = self.reactor.after(seconds, let_go)
            self.lifecycle.hold_back()
        return True

    def _let_go(self) -> None:
        self._letting_go = None
        self.lifecycle.let_go()

    def finish(self) -> None:
        """Cancel the timers and report the end: the life cycle is over."""
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None
        for timer in tuple(self._timers or ()):
            timer.cancel()
        for callback in self._done_callbacks or ():
            self.reactor.loop.call_soon(callback, context=self.own_scope().context)
        self._done_callbacks = None
        cause = self.lifecycle.cause
        if cause is not None:  # without a cause, `init` was never entered
            received_messages, received_bytes, sent_messages, sent_bytes = self.traffic()
            telemetry.emit_fields(
                "connection.closed",
                {
                    "request": self.request,
                    "connection": self,
                    "received_messages": received_messages,
                    "received_bytes": received_bytes,
                    "sent_messages": sent_messages,
                    "sent_bytes": sent_bytes,
                    "code": cause.code,
                    "reason": cause.reason,
                    "dropped": self.lifecycle.outbox.dropped,
                    "seconds": self.reactor.loop.time() - self._opened_at,
                },
            )

    @property
    def age(self) -> float:
        """Seconds since the 101."""
        return self.reactor.loop.time() - self._opened_at

    # Deadlines.

    def arm(self) -> None:
        """Tell the wheel the earliest deadline."""
        raise NotImplementedError

    def arm_soon(self) -> None:
        """Tell the wheel the earliest deadline, now or at the end of the turn."""
        self.arm()

    # For a drain, whose time is up.

    def held_by(self) -> Held:
        """Return what holds up the end of this connection."""
        return held_by(self.lifecycle, self.reactor.loop.time(), self.pending)

    def end_work(self) -> bool:
        """Cancel the work that is unfinished, and close with 1012; tell whether there was any."""
        if self.lifecycle.phase is not Phase.FINISHING:
            return False
        self.run_in_scope(self._time_is_up)
        return True

    def abandon_work(self) -> None:
        """Stop waiting for work that ignores its cancellation: `terminate` needs time too."""
        if self.lifecycle.phase is Phase.ENDING:
            self.run_in_scope(self._time_is_up)

    def cut(self) -> None:
        """Cut TCP, and end the life cycle now: nothing is waited for, `terminate` is called."""
        self.abort()
        for _ in range(_BOUNDS_OF_AN_END):
            self.run_in_scope(self._time_is_up)

    def abort(self) -> None:
        """Cut the connection."""
        raise NotImplementedError

    def _time_is_up(self) -> None:
        self.lifecycle.alarmed()

    # For the ref.

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer."""
        raise NotImplementedError

    def traffic(self) -> tuple[int, int, int, int]:
        """Return the messages received, their bytes, the messages sent, and their bytes."""
        raise NotImplementedError

    @property
    def mailbox_high_water(self) -> int:
        """The most messages and infos that have waited for the handler."""
        return self.lifecycle.mailbox.high_water

    def offer(self, info: Any, /) -> bool:  # noqa: ARG002 - a lane takes some infos at once
        """Push an info at once, if that is possible; tell whether it was pushed."""
        return False

    def count_info(self) -> bool:
        """Count an info that another thread is about to send; tell whether it may send it."""
        count = self.infos_from_threads or self._begin_to_count()
        return count.take_place()

    def admit(self, info: Any, /) -> None:
        """Take what another thread has sent. Called in the thread of the event loop."""
        if info is OVERFLOW:
            self.lifecycle.overflowed()
        else:
            assert self.infos_from_threads is not None, "it is made before the first info is sent"
            self.infos_from_threads.admitted += 1
            self.lifecycle.post(info)

    def _begin_to_count(self) -> InfoCount:
        made = InfoCount(self._options.max_mailbox)
        with _making_a_count:
            # Another thread may have made one in the meantime, and may have used it.
            count = self.infos_from_threads = self.infos_from_threads or made
        return count

    @property
    def timers(self) -> set[Timer]:
        """What was asked for with `Ref.send_after`, and is cancelled at the end."""
        if self._timers is None:
            self._timers = set()
        return self._timers

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call `callback` when the life cycle has ended."""
        if self._done_callbacks is None:
            self._done_callbacks = []
        self._done_callbacks.append(callback)

    # For iterators, which wait while the peer does not keep up.

    async def wait_for_room(self) -> None:
        """Wait until the peer has caught up, or is gone."""
        life = self.lifecycle
        while life.outbox.full and not life.peer_gone:
            if self._waiters is None:
                self._waiters = []
            waiter: asyncio.Future[None] = self.reactor.loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def wake_waiters(self) -> None:
        """Let all iterators go on that wait for room: each looks again whether there is some."""
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            resolve(waiter)


def resolve(future: asyncio.Future[None]) -> None:
    """Give a future the result None, unless it is done already."""
    if not future.done():
        future.set_result(None)
