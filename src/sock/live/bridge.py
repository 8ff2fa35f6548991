"""A connection whose wire is another server's: the life cycle over "send, receive, close".

    state       what happens                  what is done                            then
    ----------  ----------------------------  --------------------------------------  ----------
    OPEN        the server gives a message    the life cycle takes it (1)             OPEN
    OPEN        the life cycle pushes         queue the message (1)                   OPEN
    OPEN        the life cycle holds          receive no more, stop the peer's clock  HELD
    HELD        the life cycle resumes        receive again                           OPEN
    not LOST    the life cycle closes         queue our Close, receive again (2)      CLOSE_SENT
    CLOSE_SENT  our Close has left            let terminate run                       CLOSE_SENT
    CLOSE_SENT  close_timeout passes          let terminate run                       CLOSE_SENT
    CLOSE_SENT  the life cycle pushes         drop the message                        CLOSE_SENT
    not LOST    the peer's end is reported    tell the life cycle (3)                 LOST
    not LOST    the server's end is reported  drain without the peer (3)              LOST
    not LOST    the server cannot send        tell the life cycle a second later (4)  LOST
    not LOST    the server cancels run        drain for a second, then let go         LOST
    LOST        the life cycle closes         send nothing                            LOST
    any         the life cycle is over        end all tasks; `run` returns            LOST

    (1) one task at a time sends what is queued, in order
    (2) `terminate` waits until our Close has left
    (3) the server has answered the peer's Close, or has sent its own
    (4) within that second, `receive` may still report why the peer ended the connection

"The peer's clock" is its `Keepalive`: it stands still while the bridge does not receive (rule 12).

Some limits cannot be kept over another server, for example because it reads without being asked.
The adapter to that server declares them (`sock.hosting.limit`).
"""

from __future__ import annotations

import asyncio
import contextvars
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast, final

from sock import telemetry
from sock.engine import NEVER, Job, Keepalive, Phase, Verdict, encoded_size
from sock.engine.job import TASK
from sock.loop.scope import Scope
from sock.loop.slow_callback import SLOW, report_slow_turn
from sock.spec import CloseCode, Ping, Pong, ProtocolError, Remote, Shutdown
from sock.wire.frame import too_big
from sock.wire.traffic import BothWays

from . import driver
from .close_sender import CloseSender
from .live_connection import LiveConnection, resolve
from .ref import LiveRef
from .send_queue import SendQueue
from .server_wire import QueuedClose, snapshot
from .state import CLOSE_SENT, HELD, LOST, OPEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.loop.reactor import Reactor
    from sock.spec import Message, Options, Request, Sock

    from .server_wire import ServerWire

_GRACE: Final = 1.0
"""Seconds for the last things to do when the other server cancels a connection or cannot send."""

_MESSAGES_A_TURN: Final = 64
"""Messages of a server that always has one more, before other connections get their turn."""


@final
class Bridge(LiveConnection):
    """One live connection: between the wire of another server and a life cycle of ours.

    Args:
        reactor: of the event loop.
        wire: the connection in the other server, which has accepted it.
        request: that was upgraded.
        handler: of the application; its callbacks are called.
        options: all limits, laid over those of the host.
        debug: whether to report callbacks that block the event loop.
        on_unsendable: called with each message that the server has no way to send.
        end_when_cancelled: how the peer has ended the connection when the server cancels `run`;
            None where a cancellation means that the server stops.
    """

    __slots__ = (
        "_cancelled",
        "_close_job",
        "_close_sender",
        "_ended",
        "_in_turn",
        "_max_size",
        "_on_unsendable",
        "_queue",
        "_reader",
        "_reading_resumed",
        "_traffic",
        "_wire",
        "ref",
    )

    def __init__(
        self,
        reactor: Reactor,
        wire: ServerWire,
        request: Request,
        handler: Sock[Any, Any, Any],
        options: Options,
        *,
        debug: bool = False,
        on_unsendable: Callable[[Message], None] | None = None,
        end_when_cancelled: Remote | None = None,
    ) -> None:
        loop = reactor.loop
        idle, ping = options.idle_timeout, options.ping_interval
        if not wire.passes_control_frames:
            # We do not see the pongs: a peer that answers every ping would be taken for dead.
            idle = ping = None
        keepalive = Keepalive(idle, ping, loop.time())
        scope = Scope(contextvars.copy_context())
        self._set_up(reactor, request, handler, options, keepalive, debug, scope)
        self.ref = LiveRef(self)
        self._traffic = BothWays()
        self._wire = wire
        self._on_unsendable = on_unsendable
        self._cancelled = end_when_cancelled
        self._max_size = options.max_message_size or NEVER
        self._queue = SendQueue(self, wire, loop, self.lifecycle.outbox)
        self._close_job: Job | None = None  # keeps `terminate` waiting until the Close has left
        self._close_sender = CloseSender(wire, loop)
        self._in_turn = False  # in a turn of the reader, which sends when its turn ends
        self._reader: asyncio.Task[None] | None = None
        self._reading_resumed: asyncio.Future[None] | None = None  # a held reader waits for it
        self._ended: asyncio.Future[None] = loop.create_future()

    async def run(self) -> None:
        """Run the connection from `init` to the end of `terminate`; to cancel this ends it.

        Raises:
            asyncio.CancelledError: this was cancelled, and the life cycle is over.
            Exception: the server refuses our close code. It sends 1011 because of this exception.
        """
        self._reader = self.reactor.loop.create_task(self._read())
        self._reader.add_done_callback(self._has_read)
        self.arm()
        try:
            await self._close_sender.wait(self._ended, self._options.close_timeout)
        except asyncio.CancelledError:
            if self._cancelled is not None:
                self.run_in_scope(self._take, self._cancelled)
            else:  # a server that stops, and waits for a moment at most
                self.shutdown(min(_GRACE, self._options.close_timeout))
            try:
                await asyncio.shield(self._ended)
            finally:
                self.abort()
            raise

    def finish_up(self, timeout: float | None) -> None:
        """Drain: let the work under way finish within `timeout` seconds, then close with 1012."""
        self.lifecycle.shutdown(timeout)
        self._send_soon()

    def heard(self) -> None:
        """Take note that the peer is there, although there is no message of it to receive."""
        self.keepalive.heard = self.reactor.loop.time()

    def abort(self) -> None:
        """Let go of the peer at once: queued messages are dropped, but the Close is still sent."""
        close = self._queue.last_close()
        self.run_in_scope(self._lose_peer)
        self._queue.cancel()
        if close is not None:
            # A server that still has its peer would send a code of its own: a normal end.
            self._close_sender.begin(close, timeout=_GRACE)

    # Turns and deadlines.

    def go_on(self) -> None:
        """Handle the infos and messages that wait, and send everything that is queued."""
        self.lifecycle.step()
        self._send_soon()

    def look(self, now: float) -> None:
        """Do what is due: one of the deadlines may have passed."""
        if now >= self._alarm_at:
            self._alarm_at = NEVER
            if self.lifecycle.phase is Phase.ENDING:
                self._finish_close_job()  # the peer takes nothing: the Close will never leave
            if self._alarm_at == NEVER:
                self.lifecycle.alarmed()
        if self._ended.done():
            return
        if self.state is OPEN:
            verdict = self.keepalive.check(now)
            if verdict is Verdict.PING:
                self.push(Ping())
            elif verdict is Verdict.DEAD:
                self.lifecycle.timed_out()
        if self._queue.overdue(now, self._options.send_timeout):
            self.lifecycle.too_slow()
            self.abort()
        self._send_soon()
        self.arm()

    def arm(self) -> None:
        """Tell the wheel when to look next: often enough to notice a peer that takes nothing."""
        period = min(self._options.send_timeout or _GRACE, 60.0)
        due = min(self.reactor.loop.time() + period, self._alarm_at)
        if self.state is OPEN:
            due = min(due, self.keepalive.due())
        self.reactor.wheel.arm(self, due)

    def traffic(self) -> tuple[int, int, int, int]:
        """Return the messages received, their bytes, the messages sent, and their bytes."""
        return self._traffic.figures()

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer: queued, and not taken by the server."""
        return self._queue.size

    # The host of the life cycle.

    def push(self, message: Message, /) -> None:
        """Queue a message."""
        kind = type(message)
        if kind is not str and kind is not bytes:
            message = snapshot(message)
            if isinstance(message, (Ping, Pong)) and not self._wire.passes_control_frames:
                if self._on_unsendable is not None:
                    self._on_unsendable(message)
                return
        if self.state is CLOSE_SENT or self.state is LOST:
            return
        # The size is taken first, because a lone surrogate raises here, within the call of the
        # callback that has made the mistake.
        size = encoded_size(message)
        queue = self._queue
        queue.put(message, size)
        if not isinstance(message, (Ping, Pong)):
            self._traffic.sent(size)
        limit = self._options.max_send_buffer
        if limit is not None and queue.size > limit:
            self.lifecycle.note_pending(queue.size)
        if not self._in_turn:
            self.reactor.wake(self)

    def close(self, code: int | None, detail: str, /) -> None:
        """Queue our Close, behind everything that was pushed; `terminate` waits until it leaves."""
        if self.state is LOST:
            return
        self.state = CLOSE_SENT
        self._queue.put_close(QueuedClose(code, detail))
        self._close_job = Job(TASK, "close")
        self.lifecycle.job_spawned(self._close_job)
        if not self._in_turn:
            self.reactor.wake(self)
        self._receive_again()  # to hear of the peer's own end

    def start(self, job: Job, /) -> None:
        """Begin a job."""
        driver.start(self, job)

    def cancel(self, job: Job, /) -> None:
        """Cancel a job, unless it is the one that waits for our Close to leave."""
        if job is not self._close_job:
            driver.cancel(job)

    def hold(self) -> None:
        """Receive nothing more. The peer's clock stands still."""
        if self.state is OPEN:
            self.state = HELD
            self._reading_resumed = self.reactor.loop.create_future()
            self.keepalive.hold(self.reactor.loop.time())

    def resume(self) -> None:
        """Receive again."""
        if self.state is HELD:
            self.state = OPEN
            self._receive_again()

    def over(self) -> None:
        """Take note that the life cycle has ended."""
        self.state = LOST
        self.ref.drop_connection()
        self.finish()
        self.reactor.wheel.disarm(self)
        if self._reader is not None:
            self._reader.cancel()
        self._queue.forget()
        self.lifecycle.forget()
        resolve(self._ended)

    # Receiving.

    async def _read(self) -> None:
        """Receive until the peer or the server ends the connection."""
        receive, take, now = self._wire.receive, self._take, self.reactor.loop.time
        queue = self._queue
        message: Any
        count, self._in_turn = 0, True
        self.run_in_scope(self._open)
        while True:
            self._in_turn = False
            if queue.items and queue.task is None:
                queue.task = self._reader
                await queue.send()
            while self._reading_resumed is not None:
                await self._reading_resumed
            count += 1
            if count % _MESSAGES_A_TURN == 0:
                await asyncio.sleep(0)
            # Here, because a coroutine around `receive` costs 2 % of a message (asgi-uvicorn,
            # hosts-1).
            try:
                message = await receive()
            except ProtocolError as error:
                message = error
            except Exception:  # noqa: BLE001 - any error of a server means that the peer is lost
                message = Remote(CloseCode.ABNORMAL_CLOSURE)
            began = self.keepalive.heard = now()
            goes_on = self.call_in_scope(take, message)
            if now() - began >= SLOW:
                report_slow_turn(int((now() - began) * 1e9))
            if not goes_on:
                return

    def _open(self) -> None:
        if self.lifecycle.phase is not Phase.OVER:  # a drain may have ended it before it began
            telemetry.emit("connection.opened", request=self.request, connection=self)
        self.lifecycle.open()

    def _take(self, message: Any) -> bool:
        """Take what the server has received: a message or an end; tell whether more may come."""
        self._in_turn = True
        if isinstance(message, (str, bytes)):
            self._deliver(message)
        elif isinstance(message, (bytearray, memoryview)):  # the server may use the buffer again
            self._deliver(bytes(cast("bytearray", message)))
        elif isinstance(message, (Ping, Pong)):
            if self.throttle is None or self.within_rate(encoded_size(message)):
                self.lifecycle.receive(message)
        elif isinstance(message, (ProtocolError, Remote, Shutdown)):
            self._in_turn = False
            self._take_end(message)
            return False
        else:
            raise TypeError(f"the server gave a {type(message).__name__} for a message")
        return True

    def _deliver(self, message: str | bytes) -> None:
        """Hand over one message, on the same fast path as a lane."""
        life = self.lifecycle
        size = encoded_size(message)
        if size > self._max_size:
            life.violated(too_big(int(self._max_size)))
            return
        self._traffic.received(size)
        if self.throttle is not None and not self.within_rate(size):
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
            result = None  # it may hold an exception that refers to this frame

    def _take_end(self, end: ProtocolError | Remote | Shutdown) -> None:
        """Go on without the peer: the server has closed the connection, or is about to."""
        self.state = LOST  # so that the life cycle's own Close is not sent
        if isinstance(end, ProtocolError):
            self.lifecycle.violated(end)
        elif isinstance(end, Shutdown):
            self.lifecycle.shutdown(self._options.close_timeout)
        elif end.code != CloseCode.ABNORMAL_CLOSURE:
            answer = None if end.code == CloseCode.NO_STATUS_RCVD else end.code
            self.lifecycle.peer_closed(end.code, end.detail, answer)
            cause = self.lifecycle.cause
            if cause is not None and not self._ended.done():
                # Work is left. granian answers the peer's Close only when the application sends
                # one, or ends. In a drain, the code of the drain is the answer [S7.11].
                self._close_sender.begin(QueuedClose(cause.code, cause.detail))
        self._lose_peer()

    def _has_read(self, reader: asyncio.Task[None]) -> None:
        self._reader = None
        error = None if reader.cancelled() else reader.exception()
        if error is not None:
            self.run_in_scope(self._fail, error)

    def _fail(self, error: BaseException) -> None:
        # Other errors are interrupts. After one of a callback, the life cycle is ending, and
        # the Close leaves if the event loop goes on [S6.8]. After any other, the loop is ending.
        if isinstance(error, Exception):
            self._in_turn = False
            self.lifecycle.job_raised(Job(TASK, "receive"), error)
            self._send_soon()
        elif self.lifecycle.cause is not None:
            self._in_turn = False
            self._send_soon()
        else:
            self._lose_peer()

    def _receive_again(self) -> None:
        if self._reading_resumed is not None:
            self.keepalive.resume(self.reactor.loop.time())
            resolve(self._reading_resumed)
            self._reading_resumed = None

    def _lose_peer(self) -> None:
        """Send nothing more, and tell the life cycle, unless it is over."""
        if self._ended.done():
            return
        self._drop_queue()
        self.lifecycle.lost()
        self._finish_close_job()
        self.wake_waiters()

    # Sending.

    def _send_soon(self) -> None:
        if not self._in_turn:
            self._queue.begin()

    def _drop_queue(self) -> None:
        self.state = LOST
        self._queue.clear()

    def begin_close(self, close: QueuedClose) -> None:
        """Begin to send our Close."""
        # One server sends no Close while `receive` waits for the next message, which nobody needs
        # any more.
        if self._reader is not None and self._reader is not asyncio.current_task():
            self._reader.cancel()
        self._close_sender.begin(close, report_refusal=True)

    def cannot_send(self) -> None:
        """Take note that the server cannot send: it may still report why, within a second."""
        self.state = LOST
        self.reactor.after(_GRACE, partial(self.run_in_scope, self._lose_peer))

    def has_sent(self) -> None:
        """Go on with what has waited for this."""
        if self._close_job is not None or self.lifecycle.outbox.full:
            self.run_in_scope(self._go_on_sending)
        self._send_soon()

    def _go_on_sending(self) -> None:
        # First, because the life cycle may close in `note_pending`, and that Close is queued only.
        self._finish_close_job()
        if self.lifecycle.outbox.full:
            self.lifecycle.note_pending(0)
            self.wake_waiters()

    def _finish_close_job(self) -> None:
        """Let `terminate` run: our Close has left, or never will."""
        job, self._close_job = self._close_job, None
        if job is not None:
            self.lifecycle.job_returned(job, None)
