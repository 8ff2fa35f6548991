"""The life cycle of one connection: which callback runs when, and what becomes of what it returns.

    in         what happens              what is done                                then
    ---------  ------------------------  ------------------------------------------  ---------
    MADE       the 101 is on its way     call init                                   LIVE busy
    MADE       any end                   nothing: init was never entered             OVER
    LIVE       message, control or info  call its callback                           LIVE busy
    LIVE busy  message or control        keep it; read-ahead full: stop reading      LIVE busy
    LIVE busy  info                      keep it; mailbox full: that is "peer gone"  LIVE busy
    LIVE busy  the callback settled      push what it returned; take what is next    LIVE
    LIVE       the host is overdue       leave what is next to the host's next turn  LIVE
    LIVE       the send buffer is full   stop reading, take nothing from the mailbox LIVE
    LIVE       a Stream is returned      run it beside the mailbox                   LIVE
    LIVE       peer gone (1)             say the code; cancel generators, streams    FINISHING
    LIVE       violation                 stop reading; cancel streams                FINISHING
    LIVE       shutdown                  stop reading                                FINISHING
    FINISHING  the callback settled      push it, or drop it if gone; the next       FINISHING
    FINISHING  nothing is left           say the code if that was not done           ENDING
    FINISHING  the bound has passed      say the code if that was not done           ENDING
    FINISHING  peer gone (2)             say the code, or drop what is pushed        FINISHING
    both       Stop, given or raised     push its messages, say its code (3)         ENDING
    both       an exception              say 1011 (3)                                ENDING
    both       Ref.stop                  as for Stop, ahead of all that waits (4)    ENDING
    ENDING     entered                   forget the mailbox; cancel every job        ENDING
    ENDING     no job is left, or bound  call terminate                              LAST
    LAST       terminate ended, or bound                                             OVER

    (1) its Close, the loss of TCP, idle, too slow, mailbox full: `cause` has the list
    (2) unless it is gone already: the first cause of an end is the one that counts
    (3) unless a code has been said, which then stays the one, with its reason
    (4) in the host's next turn, or as soon as a plain callback returns; nothing if the peer is gone

"busy" means that a callback is under way; no other begins (rule 3). The bounds are `close_timeout`,
in a shutdown the drain's. The rules are those of `docs/reference/specification.md`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, cast, final

from sock import telemetry
from sock.spec import HandlerError, Stop, Stream
from sock.spec.message import MESSAGE_TYPES

from . import cause
from .callbacks import Callbacks
from .halt import messages_of, taken
from .job import Job, Role
from .jobs import Jobs
from .mailbox import Kind, Mailbox, size_of
from .outbox import Outbox
from .phase import ENDING, FINISHING, LAST, LIVE, MADE, OVER
from .wording import described, unsupported

if TYPE_CHECKING:
    from sock.spec import Message, Options, Ping, Pong, ProtocolError, Sock

    from .callbacks import Callback, Watch
    from .cause import Cause
    from .host import Host


@final
class Lifecycle(Callbacks):
    """The life cycle of one connection. Not thread-safe: used from its host's event loop only.

    The fast path of a host, which the compiled core repeats: while `ready`, it may set `busy`, call
    `on_text` or `on_binary` itself and, if still `ready` and the result is None, `str` or `bytes`,
    push that and clear `busy`; and while `ready`, not `busy` and `pushes_infos`, push an info that
    is a message. For all else there are `receive`, `settle` and `post`.

    Args:
        handler: whose callbacks are called.
        options: all limits.
        host: who carries out what is decided here.
        watch: given a callback and its name, returns it watched; for debug mode.
    """

    __slots__ = (
        "_abandoned",
        "_asked",
        "_cause",
        "_host",
        "_jobs",
        "_options",
        "_proceeding",
        "busy",
        "mailbox",
        "outbox",
        "peer_gone",
        "phase",
        "reading",
        "ready",
    )

    def __init__(
        self, handler: Sock[Any, Any], options: Options, host: Host, watch: Watch | None = None
    ) -> None:
        super().__init__(handler, watch)
        self._options = options
        self._host = host
        self._jobs = Jobs(host)
        self._cause: Cause | None = None
        self._asked: Stop | None = None  # of a ref, and not carried out yet
        self._proceeding = self._abandoned = False
        self.mailbox = Mailbox(options.max_mailbox)
        self.outbox = Outbox(options.max_send_buffer, options.send_timeout)
        self.phase = MADE
        self.busy = False
        """Whether a callback is under way."""
        self.peer_gone = False
        """Whether what is pushed is dropped: the peer has gone, or the Close has been said."""
        self.ready = False
        """Whether a message may go to its callback at once: LIVE, idle, and the peer keeps up."""
        self.reading = True
        """Whether the host may read; told by `Host.hold` and `Host.resume` too."""

    # What the host tells: the connection's beginning and its messages.

    def open(self) -> None:
        """Begin: call init. The 101 is on its way."""
        if self.phase is MADE:
            self.phase = LIVE
            self._call(self.own("init") or self._handler.init, self._host.ref, "init")
            self._proceed()

    def receive(self, message: str | bytes | Ping | Pong) -> bool:
        """Take a complete message or control frame; tell whether the host may go on reading."""
        if self.phase is not LIVE:
            return False
        if isinstance(message, (str, bytes)):
            if (self.on_text if isinstance(message, str) else self.on_binary) is None:
                self.violated(unsupported(message))
                return False
            self.mailbox.put(Kind.MESSAGE, message, size_of(message))
        elif self._on_control is not None:
            self.mailbox.put(Kind.CONTROL, message, len(message.payload))
        else:
            return self.reading
        self.ready = False
        self._proceed()
        return self.reading

    def post(self, info: Any) -> None:
        """Take an info. Never runs a callback: that is for the host's next turn."""
        if self.phase is not LIVE or self._asked is not None:
            return
        if not self.mailbox.put_info(info):
            self.overflowed()
            return
        self.ready = False
        self._host.wake()

    def overflowed(self) -> None:
        """Note that one info more came than may wait. Never runs a callback."""
        if self.phase is LIVE:
            self._depart(cause.mailbox_full(self._options.max_mailbox))
            self._set_reading()
            self._host.wake()

    def stop(self, stop: Stop) -> None:
        """Take a `Ref.stop`. Never runs a callback: the next turn carries it out, at the latest."""
        if self.phase is LIVE or (self.phase is FINISHING and not self.peer_gone):
            self._asked = self._asked or stop
            self.ready = False
            self._host.wake()

    def step(self) -> None:
        """Go on with what waits: the host's next turn has come."""
        if not self.ready:  # else nothing does
            self._proceed()

    @property
    def closed(self) -> bool:
        """Whether the end has begun: infos are dropped in silence."""
        return self._asked is not None or not (self.phase is LIVE or self.phase is MADE)

    @property
    def cause(self) -> Cause | None:
        """Why the connection ended; None before."""
        return self._cause

    def backlog(self, pending: int) -> None:
        """Take note of how many bytes wait for the peer."""
        if not self.outbox.level(pending):
            return
        if self.outbox.full:
            self.ready = False
            self._set_reading()
        else:
            self._proceed()

    # What the host tells: work under way.

    def settle(self, result: Any) -> None:
        """Take what a callback returned that the host has called itself, on its fast path."""
        self._settle(result, Kind.MESSAGE.value)
        self._proceed()

    def raised(self, error: BaseException) -> None:
        """Take what a callback raised that the host has called itself, on its fast path."""
        self.busy = False
        self._fail(error, Kind.MESSAGE.value)
        self._proceed()

    def settled(self, job: Job, result: Any) -> None:
        """Take what a job came to."""
        self._jobs.discard(job)
        if job.role is Role.CALLBACK:
            # What a cancelled callback still returns is of no use to anybody.
            self._settle(None if job.cancelled else result, job.place)
        self._ended(job)

    def failed(self, job: Job, error: BaseException) -> None:
        """Take what a job raised."""
        self._jobs.discard(job)
        if job.role is Role.CALLBACK:
            self.busy = False
        # What is cancelled, or terminate, may return a Stop too, and that is of no use either.
        if not (job.cancelled or job.role is Role.TERMINATE) or taken(error) is None:
            self._fail(error, job.place)
        self._ended(job)

    def spawned(self, job: Job) -> None:
        """Take note of a task that dies with the connection; the host has started it."""
        self._jobs.add(job)
        if self.phase in {ENDING, LAST, OVER}:
            self._jobs.cancel((job,))

    def yielded(self, job: Job, item: Any) -> None:
        """Push an item of an iterator; the host then waits while `outbox.full` and not `gone`."""
        if job.cancelled:
            self.outbox.dropped += self.peer_gone  # else the handler has cancelled it
        elif isinstance(item, Stop):
            self._halt(item, job.place)
        elif isinstance(item, MESSAGE_TYPES):
            self._push((cast("Message", item),), job.place)
        else:
            self._refuse(f"yielded {described(item)}, and no message or Stop", job.place)

    def _ended(self, job: Job) -> None:
        if job.role is Role.TERMINATE and self.phase is LAST:
            self._over()
        self._proceed()

    # What the host tells: ends.

    def peer_closed(self, code: int, detail: str, answer: int | None) -> None:
        """Take the peer's Close; it is answered at once, by an empty one if `answer` is None."""
        self._depart(cause.closed(code, detail, answer))
        self._proceed()

    def lost(self) -> None:
        """Note that TCP is gone; nothing new to a connection whose end has been said."""
        self._depart(cause.LOST)
        self._proceed()

    def timed_out(self) -> None:
        """Note that nothing was received for `idle_timeout`."""
        self._depart(cause.IDLE)
        self._proceed()

    def too_slow(self) -> None:
        """Note that the peer took nothing for `send_timeout`."""
        self._depart(cause.too_slow(self._options.send_timeout))
        self._proceed()

    def violated(self, error: ProtocolError) -> None:
        """Note that the peer broke the protocol: what came before is answered, then it is told."""
        if self.phase is MADE:
            self._over()
        elif self.phase is LIVE:
            self._finish_up(cause.violated(error), self._options.close_timeout)
            self._jobs.cancel_streams()
            self._proceed()

    def shutdown(self, timeout: float | None) -> None:
        """Stop with the server: what is under way has `timeout` seconds, then 1012 is said."""
        if self.phase is MADE:
            self._over()
        elif self.phase is LIVE:
            self._finish_up(cause.SHUTDOWN, timeout)
            self._proceed()

    def alarmed(self) -> None:
        """A bound has passed."""
        if self.phase is FINISHING:
            self._say(self._cause)
            self._end()
        elif self.phase is ENDING:
            self._abandon()
            self._terminate()
        elif self.phase is LAST:
            self._jobs.cancel(self._jobs.running())
            self._abandon()
            self._over()
        self._proceed()

    # Callbacks and their results.

    def _proceed(self) -> None:
        """Do all that can be done now."""
        # In a job that ended within `start`, whoever started it goes on.
        if self._proceeding or self.phase is OVER:
            return
        self._proceeding = True
        left = len(self.mailbox)  # what comes meanwhile has its own turn, which `post` asks for
        try:
            while left and self.mailbox and not self.busy:
                if (self.outbox.full or self._asked is not None) and not self.peer_gone:
                    break
                left -= 1
                kind, value = self.mailbox.take()
                self._call(self.waiting(kind, value), value, kind.value)
                if left and self._host.overdue():
                    self._host.wake()
                    break
        finally:
            self._proceeding = False
        if self._asked is not None:
            stop, self._asked = self._asked, None
            if not self.peer_gone:
                self._halt(stop, "Ref.stop")
        idle = not self.busy and not self.mailbox
        if self.phase is FINISHING and idle and not self._jobs.streaming():
            self._say(self._cause)
            self._end()
        if self.phase is ENDING and not self.busy and not self._jobs:
            self._terminate()
        self._set_reading()
        self.ready = self.phase is LIVE and not (self.busy or self.mailbox or self.outbox.full)

    def _call(self, callback: Callback, argument: Any, place: str) -> None:
        self.busy = True
        try:
            result = callback(argument)
        except BaseException as error:
            self.busy = False
            self._fail(error, place)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                self._host.wake()  # to finish the end that has begun, if the loop goes on
                raise
        else:
            self._settle(result, place)
            result = None  # an error in it may know this frame

    def _settle(self, result: Any, place: str) -> None:
        """Carry out a result; that ends the callback under way, unless it is a promise."""
        try:
            if result is None:
                pass
            elif isinstance(result, MESSAGE_TYPES):
                self._push((cast("Message", result),), place)
            # The two usual ones first: they need no abstract class.
            elif isinstance(result, (list, tuple, Sequence)):
                self._push(cast("Sequence[Any]", result), place)
            elif isinstance(result, Stop):
                self._halt(result, place)
            elif isinstance(result, Stream):
                # In a drain the peer is still there, and may have all of it.
                wanted = self._cause in (None, cause.SHUTDOWN) and not self.peer_gone
                if not self._jobs.stream(result, place, wanted=wanted):
                    self._refuse("gave a Stream that was given before", place)
            elif self._jobs.promise(result, place, wanted=not self.peer_gone):
                return
            else:
                self._refuse(f"returned {described(result)}, which is no result", place)
        except Exception as error:  # noqa: BLE001 - a proxy, say, that cannot tell what it stands for
            self._fail(error, place)
        self.busy = False

    def _push(self, messages: Sequence[Any], place: str) -> bool:
        """Push messages; tell whether they were messages."""
        try:
            for message in messages:
                if not isinstance(message, MESSAGE_TYPES):
                    self._refuse(f"gave {described(message)} among its messages", place)
                    return False
            if self.peer_gone:
                self.outbox.dropped += len(messages)
                return True
            for message in messages:
                self._host.push(message)
        except Exception as error:  # noqa: BLE001 - a lone surrogate (RFC 3629 §3), a released view …
            self._fail(error, place)
            return False
        return True

    def _halt(self, stop: Stop, place: str) -> None:
        """End as the handler says: its messages, its code, and nothing more is handled."""
        if stop.error is not None:
            self._tell("callback.failed", place, error=stop.error)
        messages = messages_of(stop)
        if not isinstance(messages, Sequence):
            self._refuse(f"gave a Stop with {described(messages)} for its messages", place)
        elif self._push(cast("Sequence[Any]", messages), place):
            self._say(cause.stopped(stop))
            self._end()

    def _refuse(self, what: str, place: str) -> None:
        """End because the handler broke the contract."""
        self._fail(HandlerError(f"{self.place(place)} {what}"), place)

    def _fail(self, error: BaseException, place: str) -> None:
        """End because something was raised (rule 6): nothing more is handled."""
        if (stop := taken(error)) is not None:
            self._halt(stop, place)
            return
        self._tell("callback.failed", place, error=error)
        if self.phase is LIVE or self.phase is FINISHING:
            self._say(cause.raised(error))
            self._end()

    # The way to the end.

    def _depart(self, why: Cause) -> None:
        """Finish without the peer, which is gone or as good as gone."""
        if self.phase is MADE:
            self._over()
            return
        if self.phase is LIVE:
            self._finish_up(why, self._options.close_timeout)
        if self.phase is FINISHING and not self.peer_gone:
            if why is cause.LOST:
                self.peer_gone = True
            else:
                self._say(self._cause)
            self._jobs.cancel_iterators()

    def _finish_up(self, why: Cause, bound: float | None) -> None:
        self.phase = FINISHING
        self.ready = False
        self._cause = why
        self._host.alarm(bound)

    def _say(self, why: Cause | None) -> None:
        """Say Close, unless that was done or nobody would hear it: then the first cause stays."""
        if why is not None and not self.peer_gone:
            self._cause = why
            self.peer_gone = True
            self._host.close(why.code, why.detail)

    def _end(self) -> None:
        self.phase = ENDING
        self.ready = False
        self.mailbox.clear()
        self._set_reading()
        self._host.alarm(self._options.close_timeout)
        self._jobs.cancel(self._jobs.running())

    def _terminate(self) -> None:
        self.phase = LAST
        assert self._cause is not None, "every way to the end has its cause"
        last = self._on_terminate
        try:
            result: Awaitable[Any] | None = None if last is None else last(self._cause.reason)
        except BaseException as error:
            if taken(error) is None:
                self._tell("callback.failed", "terminate", error=error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                self._over()
                raise
        else:
            if isinstance(result, Awaitable):
                self._host.alarm(self._options.close_timeout)
                self._jobs.start(Job(Role.TERMINATE, "terminate", awaitable=result))
                return
        self._over()

    def _over(self) -> None:
        self.phase = OVER
        host = self._host
        host.alarm(None)
        if not self._abandoned:  # else there may be something to report yet
            # The two know each other. Whatever is over is freed now, and not by the collector.
            self._host = cast("Host", None)
            self._jobs.release()
        host.over()

    def forget(self) -> None:
        """Let go of the handler and the cause: an exception knows frames that know this object."""
        if not self._abandoned:  # else there may be something to report yet
            self._cause = None
            self.let_go()

    def _abandon(self) -> None:
        for job in self._jobs.running():
            self._abandoned = True
            self._jobs.discard(job)
            self._tell("callback.abandoned", job.place)

    def _set_reading(self) -> None:
        room = not self.outbox.full and self.mailbox.ahead < self._options.max_read_ahead
        reading = self.phase is LIVE and room
        if reading is not self.reading:
            self.reading = reading
            (self._host.resume if reading else self._host.hold)()

    def _tell(self, event: str, place: str, **more: object) -> None:
        telemetry.emit(event, request=self._host.request, place=self.place(place), **more)
