"""The state of a life cycle, and its ways from the cause of an end to the end.

The table at the head of `lifecycle.py` says what is done in which state.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, cast

from sock import telemetry
from sock.spec.halt import stop_in

from . import cause
from .callbacks import Callbacks
from .job import TERMINATE, Job
from .jobs import Jobs
from .mailbox import Mailbox
from .outbox import Outbox
from .phase import ENDING, FINISHING, LIVE, MADE, OVER, TERMINATING

if TYPE_CHECKING:
    from sock.spec import Options, Sock, Stop

    from .callbacks import Wrap
    from .cause import Cause
    from .host import Host


class Ending(Callbacks):
    """The part of a `Lifecycle` that ends it, with the state that all of it works on.

    Args:
        handler: the object with the callbacks.
        options: all limits of the connection.
        host: carries out the decisions that are made here.
        wrap: as for `Callbacks`.
    """

    __slots__ = (
        "_abandoned",
        "_host",
        "_options",
        "_proceeding",
        "_requested_stop",
        "busy",
        "cause",
        "jobs",
        "mailbox",
        "outbox",
        "peer_gone",
        "phase",
        "reading",
        "ready",
        "throttled",
    )

    def __init__(
        self, handler: Sock[Any, Any, Any], options: Options, host: Host, wrap: Wrap | None = None
    ) -> None:
        self._find_callbacks(handler, wrap)
        self._options = options
        self._host: Any = host  # a Host; None when the connection is over
        self.jobs = Jobs(host)
        self._requested_stop: Stop | None = None  # by `Ref.stop`, and not carried out yet
        self._proceeding = self._abandoned = False
        self.mailbox = Mailbox(options.max_mailbox)
        self.outbox = Outbox(options.max_send_buffer, options.send_timeout)
        self.phase = MADE
        self.busy = False
        """Whether a callback is under way."""
        self.cause: Cause | None = None
        """Why the connection ends; None before."""
        self.peer_gone = False
        """Whether messages are dropped: the peer is gone, or our Close frame was sent to it."""
        self.ready = False
        """Whether a message may be handled at once: LIVE, idle, and the peer keeps up."""
        self.reading = True
        """Whether the host may read; each change is told by `Host.hold` or `Host.resume`."""
        self.throttled = False
        """Whether the peer has sent more than its rate limit allows, and nothing is read."""

    def _finish_without_peer(self, why: Cause) -> None:
        """Finish without the peer, which is gone or does not answer."""
        if self.phase is MADE:
            self._become_over()
            return
        if self.phase is LIVE:
            self._begin_finishing(why, self._options.close_timeout)
        if self.phase is FINISHING and not self.peer_gone:
            if why is cause.LOST:
                self.peer_gone = True
            else:
                self._send_close(self.cause)
            self.jobs.cancel_iterators()

    def _begin_finishing(self, why: Cause, bound: float | None) -> None:
        self.phase = FINISHING
        self.ready = False
        self.cause = why
        self._host.alarm(bound)

    def _send_close(self, why: Cause | None) -> None:
        """Send the Close frame, unless that was done or the peer is gone; the first cause stays."""
        if why is not None and not self.peer_gone:
            self.cause = why
            self.peer_gone = True
            self._host.close(why.code, why.detail)

    def _begin_ending(self) -> None:
        self.phase = ENDING
        self.ready = False
        self.mailbox.clear()
        self._set_reading()
        self._host.alarm(self._options.close_timeout)
        self.jobs.cancel(self.jobs.running())

    def _terminate(self) -> None:
        self.phase = TERMINATING
        assert self.cause is not None, "every end has a cause"
        last = self._on_terminate
        try:
            result: Any = None if last is None else last(self.cause.reason)
        except BaseException as error:
            if stop_in(error) is None:
                self._emit("callback.failed", "terminate", error=error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                self._become_over()
                raise
        else:
            # For speed: nearly always there is nothing to wait for (bench, connect).
            if result is not None and isinstance(result, Awaitable):
                self._host.alarm(self._options.close_timeout)
                awaitable = cast("Awaitable[Any]", result)
                self.jobs.start(Job(TERMINATE, "terminate", awaitable=awaitable))
                return
        self._become_over()

    def _become_over(self) -> None:
        self.phase = OVER
        host = self._host
        host.alarm(None)
        # A task that was spawned while `terminate` ran may resist its cancellation.
        self._abandoned = self._abandoned or bool(self.jobs)
        if not self._abandoned:  # otherwise an abandoned job may still be reported
            # This breaks a circle, so that both objects are freed without the collector.
            self._host = None
            self.jobs.release_host()
        host.over()

    def forget(self) -> None:
        """Let go of handler and cause: an exception refers to frames that refer to this object."""
        if not self._abandoned:  # otherwise an abandoned job may still be reported
            self.cause = None
            self.release_handler()

    def _abandon(self) -> None:
        for job in self.jobs.discard_all():
            self._abandoned = True
            self._emit("callback.abandoned", job.place)

    def _set_reading(self) -> None:
        if self.phase is LIVE:
            ahead = self.mailbox.ahead
            full = self.outbox.full or ahead >= self._options.max_read_ahead
            reading = not (full or self.throttled)
        else:  # [S7.8] in a drain, pings and the peer's Close are answered
            reading = self.cause is cause.SHUTDOWN and not (self.peer_gone or self.outbox.full)
        if reading is not self.reading:
            self.reading = reading
            (self._host.resume if reading else self._host.hold)()

    def _emit(self, event: str, place: str, **more: object) -> None:
        telemetry.emit(event, request=self._host.request, place=self.qualified_name(place), **more)
