"""A connection whose wire is another server's: the life cycle over "send, receive, close".

    what the server tells            what the bridge does
    -------------------------------  ---------------------------------------------------------------
    a message                        gives it to the life cycle, sends what comes back
    the peer's end (`Remote`)        tells the life cycle; the server has answered the Close
    its own end (`Shutdown`)         a drain, of a peer that has been sent away already
    it cancels `run`                 a drain with a second to go: whatever can be said is said

    what the life cycle says         what the bridge does
    -------------------------------  ---------------------------------------------------------------
    push                             queues it; one task at a time sends, in order
    close                            queued behind that; `terminate` waits until it has left
    hold                             receives nothing more: the server may hold the peer back

What the server keeps to itself, such as the bytes that it reads, cannot be decided by: its adapter
declares that (`limit`).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.engine import NEVER, Job, Keepalive, Lifecycle, Phase, Role, Verdict, encoded_size
from sock.loop.scope import Scope, Scoped
from sock.loop.slow_callback import report_if_slow
from sock.spec import CloseCode, Ping, Pong, ProtocolError, Remote, Shutdown
from sock.wire.assembly import too_big

from . import driver
from .close_sender import CloseSender, tell_end
from .infos import admit, post
from .ref import LiveRef
from .server_wire import Closing, as_it_is_now, let_go, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.loop.reactor import Reactor
    from sock.spec import Message, Options, Request, Sock

    from .infos import Inlet
    from .ref import Later
    from .server_wire import ServerWire

_LAST_WORD: Final = 1.0
"""Seconds for what is under way when the other server cancels a connection."""

_MESSAGES_A_TURN: Final = 64  # of a server that always has one, before the others get their turn


@final
class Bridge(Scoped):
    """One live connection: between a foreign wire and a life cycle of ours.

    Args:
        reactor: of the event loop.
        foreign: the connection, accepted.
        request: that was upgraded.
        handler: takes over.
        options: all limits, laid over the host's.
        debug: whether to name callbacks that block the loop.
        undone: told of a message that the server has no way to send.
        cancelled: what it means when the server cancels `run`, if not its own end.
    """

    __slots__ = (
        "_alarm_at",
        "_cancelled",
        "_close_sent",
        "_closing",
        "_done",
        "_farewell",
        "_foreign",
        "_in_turn",
        "_keepalive",
        "_max_size",
        "_opened_at",
        "_options",
        "_out",
        "_over",
        "_reader",
        "_resumed",
        "_sender",
        "_since",
        "_undone",
        "_waiters",
        "debug",
        "inlet",
        "lifecycle",
        "pending",
        "reactor",
        "ref",
        "request",
        "slot",
        "timers",
    )

    def __init__(
        self,
        reactor: Reactor,
        foreign: ServerWire,
        request: Request,
        handler: Sock[Any, Any],
        options: Options,
        *,
        debug: bool = False,
        undone: Callable[[Message], None] | None = None,
        cancelled: Remote | None = None,
    ) -> None:
        super().__init__(Scope(contextvars.copy_context()))
        loop = reactor.loop
        self.reactor = reactor
        self.request = request
        self.debug = debug
        self._foreign = foreign
        self._undone = undone
        self._cancelled = cancelled
        self._options = options
        self._max_size = options.max_message_size or NEVER
        self.lifecycle = Lifecycle(handler, options, self, report_if_slow if debug else None)
        self.ref = LiveRef(self)
        idle, ping = options.idle_timeout, options.ping_interval
        if not foreign.controls:
            idle = ping = None  # who answers pings out of our sight would be taken for dead
        self._opened_at = loop.time()
        self._keepalive = Keepalive(idle, ping, self._opened_at)
        self.slot: int | None = None  # the wheel's
        self.inlet: Inlet | None = None  # of the first info from another thread
        self.timers: set[Later] = set()
        self._done: list[Callable[[], None]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._out: deque[Message | Closing] = deque()
        self.pending = 0  # bytes in it
        self._sender: asyncio.Task[Any] | None = None  # who sends at this moment
        self._since = 0.0  # when it began with a message
        self._closing: Job | None = None  # keeps `terminate` waiting until the Close has left
        self._farewell = CloseSender(foreign, loop)  # says it
        self._close_sent = False  # the Close is on its way, or there is nobody to say it to
        self._in_turn = False  # in a turn of the reader, which sends at its end
        self._alarm_at = NEVER  # the life cycle's bound
        self._resumed: asyncio.Future[None] | None = None  # what the reader waits for
        self._reader: asyncio.Task[None] | None = None
        self._over: asyncio.Future[None] = loop.create_future()

    async def run(self) -> None:
        """Live, from `init` to the end of `terminate`; what cancels this is the server's end.

        Raises:
            asyncio.CancelledError: it was cancelled, and all is over.
            Exception: the server does not say the code, and shall say 1011 for this.
        """
        telemetry.emit("connection.opened", request=self.request)
        self._reader = self.reactor.loop.create_task(self._read())
        self._reader.add_done_callback(self._has_read)
        self.reactor.wheel.arm(self, self._due())
        try:
            await self._farewell.wait(self._over, self._options.close_timeout)
        except asyncio.CancelledError:
            if self._cancelled is not None:
                self.run_in_scope(self._take, self._cancelled)
            else:  # a server that stops, and will wait for a moment at most
                self.shutdown(min(_LAST_WORD, self._options.close_timeout))
            try:
                await asyncio.shield(self._over)
            finally:
                self.abort()
            raise

    def finish_up(self, timeout: float | None) -> None:
        """Drain: finish what is under way within `timeout` seconds, then say 1012."""
        self.lifecycle.shutdown(timeout)
        self._send_soon()

    def heard(self) -> None:
        """Note that the peer is there, though it has said nothing to receive."""
        self._keepalive.heard = self.reactor.loop.time()

    def abort(self) -> None:
        """Let go at once: what waits to be sent is lost, but for the code."""
        last = self._out[-1] if self._out else None
        self.run_in_scope(self._lose)
        if self._sender is not None:
            self._sender.cancel()
        if isinstance(last, Closing):
            # A server that still has its peer would say a code of its own, and call it normal.
            self._farewell.begin(last, within=_LAST_WORD)

    # Turns.

    def go_on(self) -> None:
        """Do what has come up since: infos, messages that waited."""
        self.lifecycle.step()
        self._send_soon()

    def look(self, now: float) -> None:
        """Look at the deadlines: some time may have come."""
        if now >= self._alarm_at:
            self._alarm_at = NEVER
            if self.lifecycle.phase is Phase.ENDING:
                self._settle_close()  # or will never: the peer takes nothing
            if self._alarm_at == NEVER:
                self.lifecycle.alarmed()
        if self._over.done():
            return
        if not self._close_sent:
            verdict = self._keepalive.check(now)
            if verdict is Verdict.PING:
                self.push(Ping())
            elif verdict is Verdict.DEAD:
                self.lifecycle.timed_out()
        timeout = self._options.send_timeout
        if timeout is not None and self._sender is not None and now >= self._since + timeout:
            self.lifecycle.too_slow()
            self.abort()
        self._send_soon()
        self.reactor.wheel.arm(self, self._due())

    def post(self, info: Any, /) -> None:
        """Take an info from another thread."""
        post(self, self._options.max_mailbox, info)

    def admit(self, info: Any, /) -> None:
        """Take an info that another thread has sent, now in the loop's."""
        admit(self, info)

    # The host of the life cycle.

    def push(self, message: Message, /) -> None:
        """Queue a message."""
        message = as_it_is_now(message)
        if isinstance(message, (Ping, Pong)) and not self._foreign.controls:
            if self._undone is not None:
                self._undone(message)
            return
        if self._close_sent:
            return
        self.pending += encoded_size(message)  # a lone surrogate is told to whoever has pushed it
        self._out.append(message)
        limit = self._options.max_send_buffer
        if limit is not None and self.pending > limit:
            self.lifecycle.note_pending(self.pending)
        if not self._in_turn:
            self.reactor.wake(self)

    def close(self, code: int | None, detail: str, /) -> None:
        """Say Close, behind all that was pushed; `terminate` comes when it has left."""
        if self._close_sent:
            return
        self._close_sent = True
        self._out.append(Closing(code, detail))
        self._closing = Job(Role.TASK, "close")
        self.lifecycle.job_spawned(self._closing)
        if not self._in_turn:
            self.reactor.wake(self)
        self.resume()  # for the peer's own end

    def start(self, job: Job, /) -> None:
        """Begin a job."""
        driver.start(self, job)

    def cancel(self, job: Job, /) -> None:
        """Cancel a job; not the saying of Close."""
        if job is not self._closing:
            driver.cancel(job)

    def hold(self) -> None:
        """Receive nothing more; the peer's clock stands still."""
        if self._resumed is None and not self._close_sent:
            self._resumed = self.reactor.loop.create_future()
            self._keepalive.hold(self.reactor.loop.time())

    def resume(self) -> None:
        """Receive again."""
        if self._resumed is not None:
            self._keepalive.resume(self.reactor.loop.time())
            let_go(self._resumed)
            self._resumed = None

    def wake(self) -> None:
        """Ask for a turn."""
        self.reactor.wake(self)

    def overdue(self) -> bool:
        """Tell whether this turn has lasted too long."""
        return self.reactor.overdue()

    def alarm(self, seconds: float | None, /) -> None:
        """Set the life cycle's bound."""
        self._alarm_at = NEVER if seconds is None else self.reactor.loop.time() + seconds
        self.reactor.wheel.arm(self, self._due())

    def over(self) -> None:
        """The life cycle has ended."""
        for later in tuple(self.timers):
            later.cancel()
        self.ref.detach()
        for callback in self._done:
            self.reactor.loop.call_soon(callback, context=self.scope.context)
        tell_end(self.request, self.lifecycle, self.reactor.loop.time() - self._opened_at)
        self.reactor.wheel.disarm(self)
        for task in (self._reader, self._sender):
            if task is not None:
                task.cancel()
        self.lifecycle.forget()
        let_go(self._over)

    # For the ref and the driver.

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call back when the life cycle has ended."""
        self._done.append(callback)

    async def room(self) -> None:
        """Wait until the peer keeps up, or is gone."""
        while self.lifecycle.outbox.full and not self.lifecycle.peer_gone:
            self._waiters.append(self.reactor.loop.create_future())
            await self._waiters[-1]

    # Receiving.

    async def _read(self) -> None:
        """Receive until the peer or the server says that it is the end."""
        foreign, keepalive, now = self._foreign, self._keepalive, self.reactor.loop.time
        count, self._in_turn = 0, True
        self.run_in_scope(self._open)
        while True:
            self._in_turn = False
            if self._out and self._sender is None:
                self._sender = self._reader
                await self._send()
            while self._resumed is not None:
                await self._resumed
            count += 1
            if count % _MESSAGES_A_TURN == 0:
                await asyncio.sleep(0)
            told = await received(foreign)
            keepalive.heard = now()
            if not self.run_in_scope(self._take, told):
                return

    def _open(self) -> None:
        self.lifecycle.open()

    def _take(self, told: Any) -> bool:
        """Take what the server has told; tell whether more may come."""
        self._in_turn = True
        if isinstance(told, (str, bytes)):
            self._deliver(told)
        elif isinstance(told, (Ping, Pong)):
            self.lifecycle.receive(told)
        elif isinstance(told, (ProtocolError, Remote, Shutdown)):
            self._in_turn = False
            self._part(told)
            return False
        else:
            raise TypeError(f"the server gave a {type(told).__name__} for a message")
        return True

    def _deliver(self, message: str | bytes) -> None:
        """Hand over one message, on the same fast path as a link's."""
        life = self.lifecycle
        if len(message) * 4 > self._max_size and encoded_size(message) > self._max_size:
            life.violated(too_big(int(self._max_size)))
            return
        callback = life.on_text if isinstance(message, str) else life.on_binary
        if not life.ready or callback is None:
            life.receive(message)
            return
        life.busy = True
        try:
            result = callback(message)
            if isinstance(result, (str, bytes)) and life.ready:
                self.push(result)
                result = None
        except BaseException as error:
            life.take_error(error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return
        if result is None and life.ready:
            life.busy = False
        else:
            life.take_result(result)
            result = None  # an error in it may know this frame

    def _part(self, end: ProtocolError | Remote | Shutdown) -> None:
        """Go on without the peer: the server has closed the connection, or is about to."""
        self._close_sent = True  # by the server, if anybody is there to hear it
        if isinstance(end, ProtocolError):
            self.lifecycle.violated(end)
        elif isinstance(end, Shutdown):
            self.lifecycle.shutdown(self._options.close_timeout)
        elif end.code != CloseCode.ABNORMAL_CLOSURE:
            answer = None if end.code == CloseCode.NO_STATUS_RCVD else end.code
            self.lifecycle.peer_closed(end.code, end.detail, answer)
            if not self._over.done():
                # Work is left. granian answers the Close only when the application does, or ends.
                self._farewell.begin(Closing(answer, ""))
        self._lose()

    def _has_read(self, reader: asyncio.Task[None]) -> None:
        self._reader = None
        error = None if reader.cancelled() else reader.exception()
        if error is not None:
            self.run_in_scope(self._fail, error)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, Exception):  # else the loop's, and a callback's, which has been told
            self._in_turn = False
            self.lifecycle.job_raised(Job(Role.TASK, "receive"), error)
            self._send_soon()
        else:
            self._lose()

    def _lose(self) -> None:
        """Nothing more can be sent; nothing new to one that is over."""
        if self._over.done():
            return
        self._close_sent = True
        self._out.clear()
        self.pending = 0
        self.lifecycle.lost()
        self._settle_close()
        self._wake_waiters()

    # Sending.

    def _send_soon(self) -> None:
        if self._out and self._sender is None and not self._in_turn:
            # Until it runs, it is the one who sends: so nobody else begins.
            self._since = self.reactor.loop.time()
            self._sender = self.reactor.loop.create_task(self._send())

    async def _send(self) -> None:
        """Send what is queued, and what is queued meanwhile. One task at a time does this."""
        foreign, out, now = self._foreign, self._out, self.reactor.loop.time
        self._since = now()
        try:
            while out:
                message = out[0]
                if isinstance(message, Closing):
                    await self._say_close(message)
                else:
                    await foreign.send(message)
                if out:  # else it was lost meanwhile
                    out.popleft()
                    if not isinstance(message, Closing):
                        self.pending -= encoded_size(message)
                if out:
                    self._since = now()
        except Exception:  # noqa: BLE001 - however a server says that the peer is lost
            # By which code, who receives will hear, in a moment or never.
            out.clear()
            self.pending = 0
            self._close_sent = True
            self.reactor.after(_LAST_WORD, partial(self.run_in_scope, self._lose))
        finally:
            self._sender = None
        self.run_in_scope(self._has_sent)
        self._send_soon()

    def _has_sent(self) -> None:
        if self.lifecycle.outbox.full:
            self.lifecycle.note_pending(0)
            self._wake_waiters()
        if self._close_sent:
            self._settle_close()

    async def _say_close(self, closing: Closing) -> None:
        # One says nothing while it is asked for the next message, which is of no use now.
        if self._reader is not None and self._reader is not asyncio.current_task():
            self._reader.cancel()
        self._farewell.begin(closing, heeded=True)
        await asyncio.sleep(0)  # `terminate` does not wait for what the server waits for

    def _settle_close(self) -> None:
        job, self._closing = self._closing, None
        if job is not None:
            self.lifecycle.job_returned(job, None)

    def _wake_waiters(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            let_go(waiter)

    def _due(self) -> float:
        """Return when to look next: often enough to see a peer that takes nothing."""
        now = self.reactor.loop.time()
        period = min(self._options.send_timeout or _LAST_WORD, 60.0)
        return min(
            now + period, self._alarm_at, NEVER if self._close_sent else self._keepalive.due()
        )
