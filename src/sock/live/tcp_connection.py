"""What a link and an engine connection have in common: they end TCP themselves, and in time.

A bridge leaves TCP, and so the deadlines of its end, to another server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sock.engine import NEVER, Verdict
from sock.engine.phase import OVER
from sock.spec import Ping

from . import driver
from .live_connection import LiveConnection
from .state import CLOSE_SENT, LOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.engine import Job
    from sock.spec import Message


class TcpConnection(LiveConnection):
    """One live connection that ends TCP itself. `Link` and `EngineConnection` complete it."""

    __slots__ = ("_closing_at", "_on_over")

    def _set_up_end(self, on_over: Callable[[Any], None] | None) -> None:
        """Set what is needed at the end: a function that is called when all has ended."""
        self._on_over = on_over
        self._closing_at = NEVER  # our deadline for the end of TCP, once our Close was sent

    def finish_up(self, timeout: float | None) -> None:
        """Drain: let the work under way finish within `timeout` seconds, then close with 1012."""
        self.lifecycle.shutdown(timeout)

    def look(self, now: float) -> None:
        """Do what is due: one of the deadlines may have passed."""
        if now >= self._alarm_at:
            self._alarm_at = NEVER
            self.lifecycle.alarmed()
        if self.state is LOST:
            self.arm()
            return
        if now >= self._closing_at:
            self.abort()
            return
        if self.state is not CLOSE_SENT:
            verdict = self.keepalive.check(now)
            if verdict is Verdict.PING:
                self.push(Ping())
            elif verdict is Verdict.DEAD:
                self.lifecycle.timed_out()
        if now >= self.send_due(now):
            self.lifecycle.too_slow()
            self.abort()
            return
        self.arm()

    def send_due(self, now: float) -> float:
        """Return when the peer must have taken some of the bytes that wait for it."""
        raise NotImplementedError

    # The host of the life cycle, whose other methods differ.

    def push(self, message: Message, /) -> None:
        """Queue a message, which is sent at the end of the turn."""
        raise NotImplementedError

    def start(self, job: Job, /) -> None:
        """Begin a job."""
        driver.start(self, job)

    def cancel(self, job: Job, /) -> None:
        """Cancel a job."""
        driver.cancel(job)

    # The end.

    def end_broken(self, error: BaseException) -> None:
        """End after a turn that could not be finished, for example without memory.

        An interrupt of the whole program ends no connection.
        """
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            return
        if self.lifecycle.phase is OVER:  # it takes no errors any more; TCP is left to end
            self.abort()
            return
        try:
            self.lifecycle.take_error(error)
        except BaseException:  # the error could not even be reported
            self.abort()
            raise

    def note_lost(self) -> None:
        """Take note that TCP has ended."""
        self.state = LOST
        self._closing_at = NEVER
        self.run_in_scope(self._tell_lost)
        self.wake_waiters()
        self.release()

    def _tell_lost(self) -> None:
        self.lifecycle.lost()

    def release(self) -> None:
        """Keep nothing alive any more, when the life cycle and TCP have both ended."""
        if self.state is LOST and self.lifecycle.phase is OVER:
            self.reactor.wheel.disarm(self)
            on_over, self._on_over = self._on_over, None
            if on_over is not None:
                on_over(self)
            self.lifecycle.forget()
