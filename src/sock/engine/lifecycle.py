"""The life cycle of one connection: which callback runs when, and how its result is carried out.

    state        what happens               what is done                                 then
    -----------  -------------------------  -------------------------------------------  -----------
    MADE         the 101 is on its way      call init                                    LIVE busy
    MADE         any end                    nothing: init was never entered              OVER
    LIVE         message, control or info   call its callback                            LIVE busy
    LIVE busy    message or control         keep it; read-ahead full: stop reading       LIVE busy
    LIVE busy    info                       keep it; a full mailbox means peer gone      LIVE busy
    LIVE busy    the callback settles       push its result; take the next entry         LIVE
    LIVE         the host is overdue        let the rest wait for the host's next turn   LIVE
    LIVE         the send buffer is full    stop reading, take nothing from the mailbox  LIVE
    LIVE         the peer is too fast       stop reading until the host lets go          LIVE
    LIVE         a Stream is returned       run it beside the mailbox                    LIVE
    LIVE         peer gone (1)              send the code; cancel generators, streams    FINISHING
    LIVE         violation                  stop reading; cancel streams                 FINISHING
    LIVE         shutdown                   read on: answer pings, drop messages         FINISHING
    FINISHING    the callback settles       push its result unless gone; take the next   FINISHING
    FINISHING    nothing is left            send the code if that was not done           ENDING
    FINISHING    the bound has passed       send the code if that was not done           ENDING
    FINISHING    peer gone (2)              send the code unless lost; drop messages     FINISHING
    both         Stop, given or raised      push its messages, send its code (3)         ENDING
    both         an exception               send 1011 (3)                                ENDING
    both         Ref.stop                   as for Stop, ahead of all that waits (4)     ENDING
    ENDING       entered                    forget the mailbox; cancel every job         ENDING
    ENDING       no job is left, or bound   call terminate                               TERMINATING
    TERMINATING  terminate ended, or bound                                               OVER

    (1) the peer sent Close, TCP is lost, idle, too slow, mailbox full: `cause` lists these
    (2) unless the peer was gone before: the first cause of an end counts
    (3) unless a code was sent before: that code and its reason count then
    (4) in the host's next turn, or as soon as a plain callback returns; nothing if the peer is gone

"busy": a callback is under way, so that no other one begins (rule 3). "both": LIVE and FINISHING.
The bound is `close_timeout`, in a drain its own. `docs/reference/specification.md` has the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast, final

from sock.spec import HandlerError, ProtocolError, Stop, Stream
from sock.spec.halt import messages_of, stop_in
from sock.spec.message import MESSAGE_TYPES

from . import cause
from .ending import Ending
from .job import CALLBACK, TERMINATE
from .mailbox import CONTROL, MESSAGE, size_of
from .phase import ENDING, FINISHING, LIVE, MADE, OVER, TERMINATING
from .size import check_encodable
from .wording import described, unsupported

if TYPE_CHECKING:
    from sock.spec import Ping, Pong

    from .callbacks import Callback
    from .job import Job


@final
class Lifecycle(Ending):
    """The life cycle of one connection. Not thread-safe: used from its host's event loop only.

    A host may take a short cut for most messages. While `ready`, it sets `busy` and calls `on_text`
    or `on_binary` itself. If `ready` stays, and the result is None, `str` or `bytes`, it pushes
    that and clears `busy`. While `ready`, not `busy` and `pushes_infos`, it may push an info that
    is a message. In all other cases it calls `receive`, `take_result` and `post`.

    Args:
        handler, options, host, wrap: as for `Ending`.
    """

    __slots__ = ()

    # Calls from the host: the beginning of the connection, and its messages.

    def open(self) -> None:
        """Begin, when the 101 is on its way: call init."""
        if self.phase is MADE:
            self.phase = LIVE
            self._call(self.own_callback("init") or self._handler.init, self._host.ref, "init")
            self._proceed()

    def receive(self, message: str | bytes | Ping | Pong) -> bool:
        """Take a complete message or control frame; return whether the host may go on reading."""
        if self.phase is not LIVE:
            return self.reading
        if isinstance(message, (str, bytes)):
            if (self.on_text if isinstance(message, str) else self.on_binary) is None:
                self.violated(unsupported(message))
                return False
            self.mailbox.put(MESSAGE, message, size_of(message))
        elif self._on_control is not None:
            self.mailbox.put(CONTROL, message, len(message.payload))
        else:
            return self.reading
        self.ready = False
        self._proceed()
        return self.reading

    def post(self, info: Any) -> None:
        """Take an info. It is handled in the host's next turn; no callback runs here."""
        if self.phase is not LIVE or self._requested_stop is not None:
            return
        if not self.mailbox.put_info(info):
            self.overflowed()
            return
        self.ready = False
        self._host.wake()

    def overflowed(self) -> None:
        """Note that more infos came than may wait. No callback runs here."""
        if self.phase is LIVE:
            self._finish_without_peer(cause.mailbox_full(self._options.max_mailbox))
            self._set_reading()
            self._host.wake()

    def stop(self, stop: Stop) -> None:
        """Take a `Ref.stop`. The next turn carries it out at the latest; no callback runs here."""
        if self.phase is LIVE or (self.phase is FINISHING and not self.peer_gone):
            self._requested_stop = self._requested_stop or stop
            self.ready = False
            self._host.wake()

    def step(self) -> None:
        """Handle what waits, because the host's next turn has come."""
        if not self.ready:  # otherwise nothing waits
            self._proceed()

    @property
    def closed(self) -> bool:
        """Whether the end has begun, so that infos are dropped in silence."""
        return self._requested_stop is not None or not (self.phase is LIVE or self.phase is MADE)

    def note_pending(self, pending: int) -> None:
        """Note how many bytes wait for the peer."""
        if not self.outbox.update(pending):
            return
        if self.outbox.full:
            self.ready = False
            self._set_reading()
        else:
            self._proceed()

    def hold_back(self) -> None:
        """Read nothing more from a peer that is too fast, until `let_go`."""
        self.throttled = True
        self._set_reading()

    def let_go(self) -> None:
        """Read again from a peer that was too fast."""
        self.throttled = False
        self._set_reading()

    # Calls from the host: results of callbacks and of jobs.

    def take_result(self, result: Any) -> None:
        """Take the result of a callback that the host has called itself, by its short cut."""
        self._carry_out(result, "handle_in")
        self._proceed()

    def take_error(self, error: BaseException) -> None:
        """Take the exception of a callback that the host has called itself, by its short cut."""
        self.busy = False
        self._fail(error, "handle_in")
        self._proceed()

    def job_returned(self, job: Job, result: Any) -> None:
        """Take the result of a job."""
        self.jobs.discard(job)
        if job.role is CALLBACK:
            # A callback that was cancelled may return something all the same, which is dropped.
            self._carry_out(None if job.cancelled else result, job.place)
        self._job_ended(job)

    def job_raised(self, job: Job, error: BaseException) -> None:
        """Take the exception of a job."""
        self.jobs.discard(job)
        if job.role is CALLBACK:
            self.busy = False
        # A Stop of a cancelled job, or of terminate, is dropped, because the end has begun.
        if not (job.cancelled or job.role is TERMINATE) or stop_in(error) is None:
            self._fail(error, job.place)
        self._job_ended(job)

    def job_spawned(self, job: Job) -> None:
        """Note a task that the host has started, and that is cancelled when the connection ends."""
        self.jobs.add(job)
        if self.phase in {ENDING, TERMINATING, OVER}:
            self.jobs.cancel((job,))

    def job_yielded(self, job: Job, item: Any) -> None:
        """Push an item of an iterator; the host then waits while `outbox.full`, not `peer_gone`."""
        message = item  # which keeps its type, Any, where `item` is looked at
        if job.cancelled:
            self.outbox.dropped += self.peer_gone  # if not, the handler cancelled it
        elif isinstance(item, Stop):
            self._carry_out_stop(item, job.place)
        elif isinstance(item, MESSAGE_TYPES):
            self._push((message,), job.place)
        else:
            self._fail_for_breach(f"yielded {described(item)}: no message and no Stop", job.place)

    def _job_ended(self, job: Job) -> None:
        if job.role is TERMINATE and self.phase is TERMINATING:
            self._become_over()
        self._proceed()

    # Calls from the host: the ends.

    def peer_closed(self, code: int, detail: str, answer: int | None) -> None:
        """Take the peer's Close and answer it at once, with an empty one if `answer` is None."""
        self._finish_without_peer(cause.closed(code, detail, answer))
        self._proceed()

    def lost(self) -> None:
        """Note that TCP is gone. This changes nothing if the Close frame was sent before."""
        self._finish_without_peer(cause.LOST)
        self._proceed()

    def timed_out(self) -> None:
        """Note that nothing was received for `idle_timeout`."""
        self._finish_without_peer(cause.IDLE)
        self._proceed()

    def too_slow(self) -> None:
        """Note that the peer took nothing for `send_timeout`."""
        self._finish_without_peer(cause.too_slow(self._options.send_timeout))
        self._proceed()

    def violated(self, error: ProtocolError) -> None:
        """Note that the peer broke the protocol. It hears of that after all earlier answers."""
        if self.phase is MADE:
            self._become_over()
        elif self.phase is LIVE:
            self._begin_finishing(cause.violated(error), self._options.close_timeout)
            self.jobs.cancel_streams()
            self._proceed()

    def shutdown(self, timeout: float | None) -> None:
        """Stop with the server. Callbacks under way have `timeout` seconds, then 1012 is sent."""
        if self.phase is MADE:
            self._become_over()
        elif self.phase is LIVE:
            self._begin_finishing(cause.SHUTDOWN, timeout)
            self._proceed()

    def alarmed(self) -> None:
        """Note that the time of the last `Host.alarm` has come."""
        if self.phase is FINISHING:
            self._send_close(self.cause)
            self._begin_ending()
        elif self.phase is ENDING:
            self._abandon()
            self._terminate()
        elif self.phase is TERMINATING:
            self.jobs.cancel(self.jobs.running())
            self._abandon()
            self._become_over()
        self._proceed()

    # Callbacks and their results.

    def _proceed(self) -> None:
        """Do everything that can be done now."""
        # If a job ends within `Host.start`, this method has started it, and continues afterwards.
        if self._proceeding or self.phase is OVER:
            return
        self._proceeding = True
        left = len(self.mailbox)  # for infos that come meanwhile, `post` has asked for a turn
        try:
            while left and self.mailbox and not self.busy:
                if (self.outbox.full or self._requested_stop is not None) and not self.peer_gone:
                    break
                left -= 1
                kind, value = self.mailbox.take()
                self._call(self.callback_for(kind, value), value, kind)
                if left and self._host.overdue():
                    self._host.wake()
                    break
        finally:
            self._proceeding = False
        if self._requested_stop is not None:
            stop, self._requested_stop = self._requested_stop, None
            if not self.peer_gone:
                self._carry_out_stop(stop, "Ref.stop")
        idle = not self.busy and not self.mailbox
        if self.phase is FINISHING and idle and not self.jobs.streaming():
            self._send_close(self.cause)
            self._begin_ending()
        if self.phase is ENDING and not self.busy and not self.jobs:
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
                self._host.wake()  # finishes the end that has begun, if the loop goes on
                raise
        else:
            self._carry_out(result, place)
            result = None  # it may hold an exception that refers to this frame

    def _carry_out(self, result: Any, place: str) -> None:
        """Carry out a result. The callback has ended then, unless the result is a job."""
        value = result  # which keeps its type, Any, where `result` is looked at
        try:
            if result is None:
                pass
            elif isinstance(result, MESSAGE_TYPES):
                self._push((value,), place)
            # The two usual types stand first, because they are found without an abstract class.
            elif isinstance(result, (list, tuple, Sequence)):
                self._push(value, place)
            elif isinstance(result, Stop):
                self._carry_out_stop(result, place)
            elif isinstance(result, Stream):
                # In a drain the peer is still there, and gets the whole stream.
                deliverable = self.cause in (None, cause.SHUTDOWN) and not self.peer_gone
                if not self.jobs.start_stream(value, place, deliverable=deliverable):
                    self._fail_for_breach("returned a Stream that was returned before", place)
            elif self.jobs.start_result(result, place, deliverable=not self.peer_gone):
                return
            else:
                self._fail_for_breach(f"returned {described(result)}, which is not a result", place)
        except Exception as error:  # noqa: BLE001 - a proxy, say, whose type cannot be read
            self._fail(error, place)
        self.busy = False

    def _push(self, messages: Sequence[Any], place: str) -> bool:
        """Push messages; return whether all of them were messages."""
        try:
            for message in messages:
                if not isinstance(message, MESSAGE_TYPES):
                    self._fail_for_breach(f"has {described(message)} among its messages", place)
                    return False
            if self.peer_gone:
                self.outbox.dropped += len(messages)
                return True
            check_encodable(messages)
            for message in messages:
                self._host.push(message)
        except Exception as error:  # noqa: BLE001 - a lone surrogate (RFC 3629 §3), a released view …
            self._fail(error, place)
            return False
        return True

    def _carry_out_stop(self, stop: Stop, place: str) -> None:
        """End as the handler wants: its messages leave, then its code; nothing more is handled."""
        messages = messages_of(stop := self.seen_by_wrappers(stop, place))
        # A mistake of the peer's is told when the connection is closed, as `violated` does: a peer
        # cannot fill the log with tracebacks.
        if stop.error is not None and not isinstance(stop.error, ProtocolError):
            self._emit("callback.failed", place, error=stop.error)
        if not isinstance(messages, Sequence):
            self._fail_for_breach(f"has a Stop with {described(messages)} for its messages", place)
        elif self._push(cast("Sequence[Any]", messages), place):
            self._send_close(cause.stopped(stop))
            self._begin_ending()

    def _fail_for_breach(self, what: str, place: str) -> None:
        """End because the handler broke the contract."""
        self._fail(HandlerError(f"{self.qualified_name(place)} {what}"), place)

    def _fail(self, error: BaseException, place: str) -> None:
        """End because something was raised (rule 6): nothing more is handled."""
        if (stop := stop_in(error)) is not None:
            self._carry_out_stop(stop, place)
            return
        self._emit("callback.failed", place, error=error)
        if self.phase is LIVE or self.phase is FINISHING:
            self._send_close(cause.raised(error))
            self._begin_ending()
