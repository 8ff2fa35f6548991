"""A connection whose wire is ours: the parser, the writer and the life cycle over one channel.

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

from typing import TYPE_CHECKING, Any, cast, final

from sock import telemetry
from sock.engine import Job, Keepalive, Lifecycle, Role, Verdict
from sock.spec import Ping, Pong, ProtocolError
from sock.wire.codec import Parser, Writer
from sock.wire.frame import Close

from . import driver
from .ref import LiveRef
from .watch import watch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from sock.spec import Message, Options, Request, Sock
    from sock.wire.deflate import Agreement
    from sock.wire.parser import Event

    from .channel import Channel
    from .reactor import Reactor
    from .ref import Later


@final
class Link:
    """One live connection: the receiver of its channel and the host of its life cycle.

    Args:
        reactor: of the event loop.
        channel: to the peer; from `begin` on it is the link's.
        request: that was upgraded.
        handler: takes over.
        options: all limits, laid over the server's.
        agreement: how messages are compressed; None when they are not.
        on_over: called when the life cycle and the channel have both ended.
        debug: whether to name callbacks that block the loop.
    """

    __slots__ = (
        "_alarm_at",
        "_answered",
        "_channel",
        "_closing_at",
        "_done",
        "_held",
        "_inside",
        "_keepalive",
        "_lost",
        "_max_out",
        "_max_pending",
        "_on_over",
        "_options",
        "_out",
        "_over",
        "_parser",
        "_said",
        "_timers",
        "_unread",
        "_waiters",
        "_writer",
        "debug",
        "foreign",
        "lifecycle",
        "reactor",
        "ref",
        "request",
        "slot",
        "woken",
    )

    def __init__(
        self,
        reactor: Reactor,
        channel: Channel,
        request: Request,
        handler: Sock[Any, Any],
        options: Options,
        *,
        agreement: Agreement | None = None,
        on_over: Callable[[Link], None] | None = None,
        debug: bool = False,
    ) -> None:
        self.reactor = reactor
        self.request = request
        self.debug = debug
        self._channel = channel
        self._options = options
        self._on_over = on_over
        self._parser = Parser(
            max_message_size=options.max_message_size,
            max_fragments=options.max_fragments,
            inflater=None if agreement is None else agreement.inflater(),
        )
        deflater = None
        if agreement is not None and options.compression is not None:
            deflater = agreement.deflater(options.compression)
        self._writer = Writer(deflater=deflater)
        self._out = bytearray()
        # A number is compared faster than None is told apart.
        self._max_pending: float = (
            float("inf") if options.max_send_buffer is None else options.max_send_buffer
        )
        self._max_out = self._max_pending  # what is left of it for this turn
        self.ref = LiveRef(self)
        self.lifecycle = Lifecycle(handler, options, self, watch if debug else None)
        self._keepalive = Keepalive(
            options.idle_timeout, options.ping_interval, reactor.loop.time()
        )
        self.slot: int | None = None  # the wheel's
        self.woken = False  # the reactor's
        self.foreign = 0
        """Infos that other threads have sent and the loop has not admitted."""
        self._alarm_at: float | None = None  # the life cycle's bound
        self._closing_at: float | None = None  # ours on the close handshake
        self._done: list[Callable[[], None]] | None = None
        self._timers: set[Later] | None = None
        self._waiters: list[asyncio.Future[None]] | None = None
        self._held = False  # told not to read
        self._unread = False  # the parser may hold messages that nobody could take
        self._inside = False  # in a turn of its own, which flushes at its end
        self._said = False  # our Close is on its way
        self._answered = False  # the peer's Close has come
        self._lost = False  # there is no channel any more
        self._over = False  # the life cycle has ended

    def begin(self, head: bytes, early: bytes = b"") -> None:
        """Go live: send the 101 with all that init pushes, then read, `early` first.

        Args:
            head: the 101 as it is sent.
            early: what came behind the request's head.
        """
        self._channel.receiver = self
        telemetry.emit("connection.opened", request=self.request)
        self._inside = True
        self._out += head
        self.lifecycle.open()
        if early:
            self._feed(early)
        self._finish_turn()
        self._arm()

    def shutdown(self, timeout: float | None) -> None:
        """Drain: finish what is under way within `timeout` seconds, then say 1012."""
        self.lifecycle.shutdown(timeout)

    def abort(self) -> None:
        """Cut the connection."""
        self._channel.abort()

    # The receiver of the channel.

    def received(self, data: bytes, /) -> None:
        """Handle all messages that are complete, then send, once, what they were answered."""
        self._keepalive.heard = self.reactor.now
        self._inside = True
        self._feed(data)
        self._finish_turn()

    def ended(self) -> None:
        """Note the end of what the peer sends: without a Close, it is gone."""
        if not self._said:
            self.lifecycle.lost()
        self._channel.close()

    def drained(self) -> None:
        """All was taken: go on with what waited for that."""
        self._max_out = self._max_pending
        self.lifecycle.backlog(0)
        self._wake_waiters()

    def lost(self) -> None:
        """The channel is gone."""
        self._lost = True
        self._out.clear()
        self.lifecycle.lost()
        self._wake_waiters()
        self._closing_at = None
        self._leave()

    # Turns.

    def turn(self) -> None:
        """Do what has come up since: infos, messages that waited; send what there is."""
        self._inside = True
        if self._unread and not self._held:
            self._feed(b"")
        self.lifecycle.step()
        self._finish_turn()

    def tick(self, now: float, /) -> None:
        """Look at the deadlines: some time may have come."""
        if self._alarm_at is not None and now >= self._alarm_at:
            self._alarm_at = None
            self.lifecycle.alarmed()
        if self._lost:
            self._arm()
            return
        if self._closing_at is not None:
            if now >= self._closing_at:
                self._channel.abort()
                return
        elif not self._said:
            verdict = self._keepalive.check(now)
            if verdict is Verdict.PING:
                self.push(Ping())
            elif verdict is Verdict.DEAD:
                self.lifecycle.timed_out()
        due = self._send_due(now)
        if due is not None and now >= due:
            self.lifecycle.too_slow()
            self._channel.abort()
            return
        self._arm()

    def post(self, info: Any) -> None:
        """Take an info from another thread. More than the mailbox could take are not kept."""
        bound = self._options.max_mailbox
        if bound is None or self.foreign <= bound:
            self.foreign += 1
            self.reactor.post(self, info)

    def admit(self, info: Any, /) -> None:
        """Take an info that another thread has sent, now in the loop's."""
        self.foreign -= 1
        self.lifecycle.post(info)

    # The host of the life cycle.

    def push(self, message: Message, /) -> None:
        """Queue a message; it leaves at the end of the turn."""
        self._writer.push(self._out, message)
        self._queued()

    def close(self, code: int | None, detail: str, /) -> None:
        """Say Close, behind all that was pushed, and end TCP in the way that fits."""
        if self._lost:
            return
        self._writer.close(self._out, code, detail)
        # Now, in one write with what came before it: `terminate`, which is next, never delays the
        # Close frame (rule 8).
        out, self._out = self._out, bytearray()
        self._channel.write(out)
        self._said = True
        self._closing_at = self.reactor.loop.time() + self._options.close_timeout
        self._unread = True  # the peer's Close may be among it
        if self._held:
            self._held = False
            self._channel.resume()
        self.reactor.wake(self)

    def start(self, job: Job, /) -> None:
        """Begin a job."""
        driver.start(self, job)

    def cancel(self, job: Job, /) -> None:
        """Cancel a job."""
        driver.cancel(job)

    def hold(self) -> None:
        """Stop reading; the peer's clock stands still."""
        if not self._said and not self._held:
            self._held = True
            self._keepalive.hold(self.reactor.loop.time())
            self._channel.pause(self._options.idle_timeout)

    def resume(self) -> None:
        """Read again, in the next turn, and first what the parser still holds."""
        if self._held:
            self._held = False
            self._keepalive.resume(self.reactor.loop.time())
            self._channel.resume()
            self.reactor.wake(self)
            self._arm()

    def wake(self) -> None:
        """Ask for a turn."""
        self.reactor.wake(self)

    def alarm(self, seconds: float | None, /) -> None:
        """Set the life cycle's bound."""
        self._alarm_at = None if seconds is None else self.reactor.loop.time() + seconds
        self._arm()

    def over(self) -> None:
        """The life cycle has ended."""
        self._over = True
        for later in tuple(self._timers or ()):
            later.cancel()
        self.ref.detach()
        for callback in self._done or ():
            self.reactor.loop.call_soon(callback)
        self._done = None
        cause = self.lifecycle.cause
        if cause is not None:  # else init was never entered
            telemetry.emit(
                "connection.closed",
                request=self.request,
                code=cause.code,
                reason=cause.reason,
                dropped=self.lifecycle.outbox.dropped,
            )
        if not self._said and not self._lost:
            self._channel.close()  # it was refused its life before it began
        self._leave()

    # For the ref and the driver.

    @property
    def timers(self) -> set[Later]:
        """What is to be forgotten at the end."""
        if self._timers is None:
            self._timers = set()
        return self._timers

    def spawned(self, task: asyncio.Task[Any]) -> None:
        """Take a task that dies with the connection."""
        job = Job(Role.TASK, "spawn")
        driver.follow(self, job, task)
        self.lifecycle.spawned(job)

    def add_done_callback(self, callback: Callable[[], None]) -> None:
        """Call back when the life cycle has ended."""
        if self._done is None:
            self._done = []
        self._done.append(callback)

    async def room(self) -> None:
        """Wait until the peer keeps up, or is gone."""
        life = self.lifecycle
        while life.outbox.full and not life.gone:
            if self._waiters is None:
                self._waiters = []
            waiter: asyncio.Future[None] = self.reactor.loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def place(self, job: Job) -> str:
        """Name a job's callback."""
        return self.lifecycle.place(job.place)

    # Inside.

    def _feed(self, data: bytes) -> None:
        deliver = self._await_close if self._said else self._deliver
        self._unread = not self._parser.feed(data, deliver)

    def _deliver(self, event: Event) -> bool:
        """Hand over one event; tell whether the parser may go on.

        The fast path of the contract: an idle connection, and a result that is None, `str` or
        `bytes`. What else there is goes to the life cycle, which decides everything.
        """
        life = self.lifecycle
        if life.ready:
            kind = type(event)
            callback = life.on_text if kind is str else life.on_binary if kind is bytes else None
            if callback is not None:
                life.busy = True
                try:
                    result = callback(event)
                    kind = cast("type[Any]", type(result))
                    if (kind is str or kind is bytes) and life.ready:
                        self._writer.push(self._out, result)
                        result = None
                        if len(self._out) > self._max_out:
                            self._queued()
                except BaseException as error:
                    life.raised(error)
                    if isinstance(error, (KeyboardInterrupt, SystemExit)):
                        raise
                    return life.reading
                if result is None and life.ready:
                    life.busy = False
                    return True
                life.settle(result)
                return life.reading
        return self._deliver_slowly(event)

    def _deliver_slowly(self, event: Event) -> bool:
        life = self.lifecycle
        if isinstance(event, Ping):
            # RFC 6455 §5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
            # response".
            if not self._said:
                self._writer.push(self._out, Pong(event.payload))
                self._queued()
        elif isinstance(event, Close):
            self._answered = True
            life.peer_closed(event.code, event.detail, event.answer)
            return False
        elif isinstance(event, ProtocolError):
            life.violated(event)
            return False
        return life.receive(event)

    def _await_close(self, event: Event) -> bool:
        """After our Close: ignore everything but the peer's."""
        if isinstance(event, Close):
            self._answered = True
        return True

    def _queued(self) -> None:
        if not self._inside:
            self.reactor.wake(self)
        if len(self._out) > self._max_out:
            self.lifecycle.backlog(len(self._out) + self._channel.pending)

    def _finish_turn(self) -> None:
        """Send all that the turn has to say; then end TCP, if that is all there will ever be."""
        self._inside = False
        if self._out:
            out, self._out = self._out, bytearray()
            channel = self._channel
            channel.write(out)
            pending = channel.pending
            if pending:
                self._max_out = self._max_pending - pending
                self.lifecycle.backlog(pending)
                self._arm()
            elif self.lifecycle.outbox.full:
                self.drained()
        if self._said:
            if self._answered:
                self._channel.close()
            elif self._parser.finished:
                # RFC 6455 §7.1.7: after a violation nothing is processed any more. Reading goes on
                # to the end all the same: closing with unread bytes would reset the connection, and
                # the peer might lose our Close.
                self._channel.finish()
            self._arm()

    def _send_due(self, now: float) -> float | None:
        channel = self._channel
        return self.lifecycle.outbox.due(now, channel.pending, channel.taken)

    def _arm(self) -> None:
        """Stand in the wheel for the earliest deadline."""
        dues = [self._alarm_at]
        if not self._lost:
            dues.append(self._closing_at)
            if not self._said:
                dues.append(self._keepalive.due())
            if self._channel.pending:
                dues.append(self._send_due(self.reactor.loop.time()))
        due = min((due for due in dues if due is not None), default=None)
        if due is not None:
            self.reactor.wheel.arm(self, due)

    def _wake_waiters(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def _leave(self) -> None:
        """Let go of everything when nothing more can happen."""
        if self._over and self._lost:
            self.reactor.wheel.disarm(self)
            if self._on_over is not None:
                on_over, self._on_over = self._on_over, None
                on_over(self)
