"""A connection whose wire is ours: the parser, the writer and the life cycle over one pipe.

    what the peer does            what the link does
    ----------------------------  ------------------------------------------------------------------
    sends a message               gives it to the life cycle, sends what comes back, in one write
    sends a ping                  queues the pong, tells the life cycle
    says Close                    tells the life cycle, which answers; then closes TCP
    breaks the protocol           tells the life cycle, which says the code; then FIN, then reads on
    ends or resets TCP            tells the life cycle

    what the life cycle says      what the link does
    ----------------------------  ------------------------------------------------------------------
    close, nothing heard yet      waits for the peer's Close up to close_timeout, then closes TCP
    hold                          stops reading, stops the peer's clock

The server closes TCP first (RFC 6455 §7.1.1). After our Close, whatever comes but the peer's is
ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from sock import telemetry
from sock.engine import NEVER, Job, Keepalive, Lifecycle, Verdict
from sock.loop.slow_callback import report_if_slow
from sock.spec import Ping
from sock.wire.codec import Parser, Writer

from . import driver
from .infos import admit, post
from .lane import Lane
from .ref import LiveRef

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from sock.loop.pipe import Pipe
    from sock.loop.reactor import Reactor
    from sock.loop.scope import Scope
    from sock.spec import Options, Request, Sock
    from sock.wire.deflate import Agreement

    from .infos import Inlet
    from .ref import Later


@final
class Link(Lane):
    """One live connection: the receiver of its pipe and the host of its life cycle.

    Args:
        reactor: of the event loop.
        pipe: to the peer; from `begin` on it is the link's.
        request: that was upgraded.
        handler: takes over.
        options: all limits, laid over the server's.
        agreement: how messages are compressed; None when they are not.
        on_over: called when the life cycle and the pipe have both ended.
        debug: whether to name callbacks that block the loop.
        scope: that all of it runs in; None for one with the variables that are set here and now.
    """

    __slots__ = (
        "_alarm_at",
        "_closing_at",
        "_done",
        "_lost",
        "_on_over",
        "_opened_at",
        "_options",
        "_over",
        "_timers",
        "_waiters",
        "held",
        "inlet",
        "ref",
        "request",
        "slot",
    )

    def __init__(
        self,
        reactor: Reactor,
        pipe: Pipe,
        request: Request,
        handler: Sock[Any, Any],
        options: Options,
        *,
        agreement: Agreement | None = None,
        on_over: Callable[[Link], None] | None = None,
        debug: bool = False,
        scope: Scope | None = None,
    ) -> None:
        inflater = deflater = None
        self._opened_at = reactor.loop.time()
        if agreement is not None:
            inflater = agreement.inflater()
            if options.compression is not None:
                deflater = agreement.deflater(options.compression)
        super().__init__(
            reactor,
            pipe,
            Parser(
                max_message_size=options.max_message_size,
                max_fragments=options.max_fragments,
                inflater=inflater,
            ),
            Writer(deflater=deflater),
            Keepalive(options.idle_timeout, options.ping_interval, self._opened_at),
            options.max_send_buffer,
            debug,
            reactor.scope.for_current_context() if scope is None else scope,
        )
        self.request = request
        self._options = options
        self._on_over = on_over
        self.lifecycle = Lifecycle(handler, options, self, report_if_slow if debug else None)
        self.ref = LiveRef(self)
        self.slot: int | None = None  # the wheel's
        self.inlet: Inlet | None = None  # of the first info from another thread
        self._alarm_at = NEVER  # the life cycle's bound
        self._closing_at = NEVER  # ours on the close handshake
        self._done: list[Callable[[], None]] | None = None
        self._timers: set[Later] | None = None
        self._waiters: list[asyncio.Future[None]] | None = None
        self.held = False
        """Whether it was told not to read."""
        self._lost = False  # there is no pipe any more
        self._over = False  # the life cycle has ended

    def begin(self, head: bytes, early: bytes = b"") -> None:
        """Go live: send the 101 with all that init pushes, then read, `early` first.

        Args:
            head: the 101 as it is sent.
            early: what came behind the request's head.
        """
        self.pipe.receiver = self
        if not self._over:  # a drain may have come in between
            self.run_in_scope(self._begin, head, early)

    def _begin(self, head: bytes, early: bytes) -> None:
        telemetry.emit("connection.opened", request=self.request)
        self.in_turn = True
        self.append(head)
        self.lifecycle.open()
        if early:
            self.feed(early)
        self.deadline_changed = True
        self.finish_turn()

    def finish_up(self, timeout: float | None) -> None:
        """Drain: finish what is under way within `timeout` seconds, then say 1012."""
        self.lifecycle.shutdown(timeout)

    def abort(self) -> None:
        """Cut the connection."""
        self.pipe.abort()

    # The receiver of the pipe, beside `received`.

    def ended(self) -> None:
        """Note the end of what the peer sends: without a Close, it is gone."""
        if not self.close_sent:
            self.run_in_scope(self._lose_peer)
        self.pipe.close()

    def drained(self) -> None:
        """All was taken: go on with what waited for that."""
        self.run_in_scope(self._take_room)

    def _take_room(self) -> None:
        self.limit_turn(0)
        self.lifecycle.note_pending(0)
        self._wake_waiters()

    def lost(self) -> None:
        """The pipe is gone."""
        self._lost = True
        self.forget()
        self.run_in_scope(self._lose_peer)
        self._wake_waiters()
        self._closing_at = NEVER
        self._let_go()

    def _lose_peer(self) -> None:
        self.lifecycle.lost()

    # Turns.

    def go_on(self) -> None:
        """Do what has come up since: infos, messages that waited; send what there is."""
        self.in_turn = True
        try:
            if self.unread and not self.held:
                self.feed(b"")
            if self.fell_behind and not self.unread:
                self.fell_behind = False
                self._read_on()
            self.lifecycle.step()
            self.finish_turn()
        except BaseException as error:
            self.broken(error)
            raise

    def look(self, now: float) -> None:
        """Look at the deadlines: some time may have come."""
        if now >= self._alarm_at:
            self._alarm_at = NEVER
            self.lifecycle.alarmed()
        if self._lost:
            self.arm()
            return
        if now >= self._closing_at:
            self.pipe.abort()
            return
        if not self.close_sent:
            verdict = self.keepalive.check(now)
            if verdict is Verdict.PING:
                self.push(Ping())
            elif verdict is Verdict.DEAD:
                self.lifecycle.timed_out()
        if now >= self._send_due(now):
            self.lifecycle.too_slow()
            self.pipe.abort()
            return
        self.arm()

    def post(self, info: Any) -> None:
        """Take an info from another thread."""
        post(self, self._options.max_mailbox, info)

    def admit(self, info: Any, /) -> None:
        """Take an info that another thread has sent, now in the loop's."""
        admit(self, info)

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer: queued in this turn, and not taken by the kernel."""
        return self.queued_size() + self.pipe.pending

    # The host of the life cycle.

    def close(self, code: int | None, detail: str, /) -> None:
        """Say Close, behind all that was pushed, and end TCP in the way that fits."""
        if self._lost:
            return
        frame = bytearray()
        self.writer.close(frame, code, detail)
        self.append(frame)
        # Now, in one write with what came before it: `terminate`, which is next, never delays the
        # Close frame (rule 8).
        self.flush()
        self.close_sent = True
        self._closing_at = self.reactor.loop.time() + self._options.close_timeout
        self._arm_soon()
        if self.close_received and self.in_turn:  # the turn that is under way ends TCP
            return
        self.unread = True  # the peer's Close may be among it
        if self.held or self.fell_behind:
            self.held = self.fell_behind = False
            self.pipe.resume()
        self.reactor.wake(self)

    def start(self, job: Job, /) -> None:
        """Begin a job."""
        driver.start(self, job)

    def cancel(self, job: Job, /) -> None:
        """Cancel a job."""
        driver.cancel(job)

    def hold(self) -> None:
        """Stop reading; the peer's clock stands still."""
        if not self.close_sent and not self.held:
            self.held = True
            self.keepalive.hold(self.reactor.loop.time())
            self.pipe.pause(self._options.idle_timeout)

    def resume(self) -> None:
        """Read again, in the next turn, and first what the parser still holds."""
        if self.held:
            self.held = False
            self._read_on()
            self.reactor.wake(self)

    def wake(self) -> None:
        """Ask for a turn."""
        self.reactor.wake(self)

    def overdue(self) -> bool:
        """Tell whether this turn has lasted too long."""
        return self.reactor.overdue()

    def alarm(self, seconds: float | None, /) -> None:
        """Set the life cycle's bound."""
        self._alarm_at = NEVER if seconds is None else self.reactor.loop.time() + seconds
        self._arm_soon()

    def over(self) -> None:
        """The life cycle has ended."""
        self._over = True
        for later in tuple(self._timers or ()):
            later.cancel()
        self.ref.detach()
        for callback in self._done or ():
            self.reactor.loop.call_soon(callback, context=self.own_scope().context)
        self._done = None
        cause = self.lifecycle.cause
        if cause is not None:  # else init was never entered
            telemetry.emit(
                "connection.closed",
                request=self.request,
                code=cause.code,
                reason=cause.reason,
                dropped=self.lifecycle.outbox.dropped,
                seconds=self.reactor.loop.time() - self._opened_at,
            )
        if not self.close_sent and not self._lost:
            self.pipe.close()  # it was refused its life before it began
        self._let_go()

    # For the ref and the driver.

    @property
    def timers(self) -> set[Later]:
        """What is to be forgotten at the end."""
        if self._timers is None:
            self._timers = set()
        return self._timers

    def add_done_callback(self, callback: Callable[[], None]) -> None:
        """Call back when the life cycle has ended."""
        if self._done is None:
            self._done = []
        self._done.append(callback)

    async def room(self) -> None:
        """Wait until the peer keeps up, or is gone."""
        life = self.lifecycle
        while life.outbox.full and not life.peer_gone:
            if self._waiters is None:
                self._waiters = []
            waiter: asyncio.Future[None] = self.reactor.loop.create_future()
            self._waiters.append(waiter)
            await waiter

    # What the lane leaves to the link.

    def broken(self, error: BaseException) -> None:
        """End after a turn that could not be finished, for want of memory, say.

        An interrupt of the whole program is none of the connection's business.
        """
        self.in_turn = False
        self.reactor.wake(self)  # whatever was queued leaves
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            return
        try:
            self.lifecycle.take_error(error)
        except BaseException:  # not even that can be said
            self.pipe.abort()
            raise

    def fall_behind(self) -> None:
        """Go on in the next turn, and read nothing before: the loop has others to serve."""
        if not self.fell_behind:
            self.fell_behind = True
            self.keepalive.hold(self.reactor.loop.time())
            self.pipe.pause()
        self.reactor.wake(self)

    def note_pending(self, pending: int) -> None:
        """Take note of what the kernel has not taken of this turn's write; 0 is the end of it."""
        if pending:
            self.limit_turn(pending)
            self.lifecycle.note_pending(pending)
            self.deadline_changed = True
        else:
            self._take_room()

    def end_tcp(self) -> None:
        """End TCP at the end of a turn, if our Close is all that there will ever be."""
        if self.close_received:
            self.pipe.close()
        elif self.parser.finished:
            # RFC 6455 §7.1.7: after a violation nothing is processed any more. Reading goes on to
            # the end all the same: closing with unread bytes would reset the connection, and the
            # peer might lose our Close.
            self.pipe.finish()

    def arm(self) -> None:
        """Let the wheel know of the earliest deadline."""
        self.deadline_changed = False
        due = self._alarm_at
        if not self._lost:
            due = min(due, self._closing_at)
            if not self.close_sent:
                due = min(due, self.keepalive.due())
            if self.pipe.pending:
                due = min(due, self._send_due(self.reactor.loop.time()))
        if due < NEVER:
            self.reactor.wheel.arm(self, due)

    # Inside.

    def _arm_soon(self) -> None:
        if self.in_turn:  # several deadlines may come and go in a turn
            self.deadline_changed = True
        else:
            self.arm()

    def _read_on(self) -> None:
        if not (self.held or self.fell_behind):
            self.keepalive.resume(self.reactor.loop.time())
            self.pipe.resume()
            self._arm_soon()

    def _send_due(self, now: float) -> float:
        pipe = self.pipe
        return self.lifecycle.outbox.due(now, pipe.pending, pipe.taken)

    def _wake_waiters(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def _let_go(self) -> None:
        """Let go of everything when nothing more can happen."""
        if self._over and self._lost:
            self.reactor.wheel.disarm(self)
            if self._on_over is not None:
                on_over, self._on_over = self._on_over, None
                on_over(self)
            self.lifecycle.forget()
