"""A connection whose wire is ours: the parser, the writer and the life cycle over one pipe.

    state       what happens                      what is done                          then
    ----------  --------------------------------  ------------------------------------  ----------
    OPEN        a message comes                   the life cycle takes it (1)           OPEN
    OPEN        a ping comes                      queue a pong, tell the life cycle     OPEN
    OPEN        the life cycle holds              stop reading, stop the peer's clock   HELD
    OPEN        a turn lasts too long             stop reading, stop the peer's clock   BEHIND
    HELD        the life cycle resumes            read again                            OPEN
    HELD        it resumes with messages unread   ask for a turn                        BEHIND
    BEHIND      a turn reads all messages         read again                            OPEN
    BEHIND      the life cycle holds              leave the rest unread                 HELD
    not LOST    the life cycle closes (2)         send our Close, read again            CLOSE_SENT
    CLOSE_SENT  the peer's Close comes            close TCP (3)                         CLOSE_SENT
    CLOSE_SENT  the peer has broken the protocol  send FIN, read to the end (4)         CLOSE_SENT
    CLOSE_SENT  anything else comes               ignore it                             CLOSE_SENT
    CLOSE_SENT  close_timeout passes              cut TCP                               LOST
    not LOST    the peer ends TCP                 tell the life cycle, close TCP        LOST
    not LOST    TCP is lost                       tell the life cycle                   LOST
    LOST        the life cycle is over            call on_over, free everything         LOST

    (1) its answers leave in one write at the end of the turn
    (2) by itself, or because it was told of the peer's Close or of a violation of the protocol
    (3) the server closes TCP first (RFC 6455 §7.1.1)
    (4) closing with unread bytes would reset the connection, and the peer might lose our Close

"The peer's clock" is its `Keepalive`: it stands still while the link does not read (rule 12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from sock import telemetry
from sock.engine import NEVER, Keepalive
from sock.engine.phase import OVER
from sock.wire.parser import Parser
from sock.wire.writer import Writer

from .lane import Lane
from .ref import LiveRef
from .state import BEHIND, CLOSE_SENT, HELD, LOST, OPEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.loop.pipe import Pipe
    from sock.loop.reactor import Reactor
    from sock.loop.scope import Scope
    from sock.spec import Options, Request, Sock
    from sock.wire.deflate import Agreement


@final
class Link(Lane):
    """One live connection: the receiver of its pipe and the host of its life cycle.

    Args:
        reactor: of the event loop.
        pipe: to the peer; from `begin` on it belongs to the link.
        request: that was upgraded.
        handler: of the application; its callbacks are called.
        options: all limits, laid over those of the server.
        agreement: how messages are compressed; None when they are not.
        on_over: called when the life cycle and the pipe have both ended.
        debug: whether to report callbacks that block the event loop.
        scope: the connection's turns, deadlines and callbacks run in it; None for a scope with the
            context variables that are set here and now.
    """

    __slots__ = ("ref",)

    def __init__(
        self,
        reactor: Reactor,
        pipe: Pipe,
        request: Request,
        handler: Sock[Any, Any, Any],
        options: Options,
        *,
        agreement: Agreement | None = None,
        on_over: Callable[[Link], None] | None = None,
        debug: bool = False,
        scope: Scope | None = None,
    ) -> None:
        inflater = deflater = None
        if agreement is not None:
            inflater = agreement.inflater()
            if options.compression is not None:
                deflater = agreement.deflater(options.compression)
        self._set_up_lane(
            reactor,
            request,
            handler,
            options,
            Keepalive(options.idle_timeout, options.ping_interval, reactor.loop.time()),
            debug,
            reactor.scope.for_current_context() if scope is None else scope,
            pipe,
            Parser(
                max_message_size=options.max_message_size,
                max_fragments=options.max_fragments,
                inflater=inflater,
            ),
            Writer(deflater=deflater),
        )
        self._set_up_end(on_over)
        self.ref = LiveRef(self)

    def begin(self, head: bytes, early: bytes = b"") -> None:
        """Go live: send the 101 with everything that init pushes, then read, `early` first.

        Args:
            head: the 101 as it is sent.
            early: bytes that came behind the head of the request.
        """
        self.pipe.receiver = self
        if self.lifecycle.phase is not OVER:  # a drain may have ended it before it began
            self.call_in_scope(self._begin, (head, early))

    def _begin(self, head_and_early: tuple[bytes, bytes]) -> None:
        head, early = head_and_early
        telemetry.emit("connection.opened", request=self.request, connection=self)
        self.in_turn = True
        self.append(head)
        self.lifecycle.open()
        if early:
            self.feed(early)
        self.deadline_changed = True
        self.finish_turn()

    def abort(self) -> None:
        """Cut the connection."""
        self.pipe.abort()

    # The receiver of the pipe, beside `received`.

    def ended(self) -> None:
        """Take note that the peer has ended TCP: without a Close before it, the peer is lost."""
        if self.state is not CLOSE_SENT:
            self.run_in_scope(self._tell_lost)
        self.pipe.close()

    def drained(self) -> None:
        """Go on with everything that waited for the peer: it has taken all bytes."""
        self.run_in_scope(self._go_on_sending)

    def _go_on_sending(self) -> None:
        self.limit_turn(0)
        self.lifecycle.note_pending(0)
        self.wake_waiters()

    def lost(self) -> None:
        """Take note that the pipe is gone."""
        self.forget()
        self.note_lost()

    # Turns.

    def go_on(self) -> None:
        """Handle the infos and messages that wait, and send everything that is queued."""
        self.in_turn = True
        try:
            if self.unread and self.state is not HELD:
                self.feed(b"")
            if self.state is BEHIND and not self.unread:
                self._read_on()
            self.lifecycle.step()
            self.finish_turn()
        except BaseException as error:
            self.broken(error)
            raise

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer: queued in this turn, and not taken by the kernel."""
        return self.queued_size() + self.pipe.pending

    # The host of the life cycle.

    def close(self, code: int | None, detail: str, /) -> None:
        """Send Close, behind everything that was pushed, and end TCP in the way that fits."""
        if self.state is LOST:
            return
        frame = bytearray()
        self.writer.close(frame, code, detail)
        self.append(frame)
        # Now, in one write with everything before it: `terminate` comes next, and never delays the
        # Close frame (rule 8).
        self.flush()
        reading = self.state is OPEN
        self.state = CLOSE_SENT
        self.close_sent = True
        self._closing_at = self.reactor.loop.time() + self._options.close_timeout
        self.arm_soon()
        if self.close_received and self.in_turn:  # the turn under way ends TCP
            return
        self.unread = True  # the peer's Close may be among the unread bytes
        if not reading:
            self.pipe.resume()
        self.reactor.wake(self)

    def hold(self) -> None:
        """Stop reading. The peer's clock stands still."""
        if self.state is OPEN or self.state is BEHIND:
            self.state = HELD
            self.keepalive.hold(self.reactor.loop.time())
            self.pipe.pause(self._options.idle_timeout)

    def resume(self) -> None:
        """Read again in the next turn; messages that the parser still holds come first."""
        if self.state is HELD:
            if self.unread:
                self.state = BEHIND
            else:
                self._read_on()
            self.reactor.wake(self)

    def over(self) -> None:
        """Take note that the life cycle has ended."""
        self.ref.drop_connection()
        self.finish()
        if self.state is not CLOSE_SENT and self.state is not LOST:
            self.pipe.close()  # a drain has ended it before `init`: no Close was sent
        self.release()

    # What the lane leaves to the link.

    def broken(self, error: BaseException) -> None:
        """End the connection after a turn that could not be finished."""
        self.in_turn = False
        self.reactor.wake(self)  # so that the queued bytes leave
        self.end_broken(error)

    def fall_behind(self) -> None:
        """Go on in the next turn, and read nothing before it: other connections wait."""
        if self.state is OPEN:
            self.state = BEHIND
            self.keepalive.hold(self.reactor.loop.time())
            self.pipe.pause()
        self.reactor.wake(self)

    def note_pending(self, pending: int) -> None:
        """Take note of how many bytes of this turn's write the kernel has not taken, or of 0."""
        if pending:
            self.limit_turn(pending)
            self.lifecycle.note_pending(pending)
            self.deadline_changed = True
        else:
            self._go_on_sending()

    def end_tcp(self) -> None:
        """End TCP at the end of a turn, if nothing more is to be sent or received."""
        if self.close_received:
            self.pipe.close()
        elif self.parser.finished:
            # RFC 6455 §7.1.7: after a violation nothing is processed any more. The pipe is read to
            # its end all the same: closing with unread bytes would reset the connection, and the
            # peer might lose our Close.
            self.pipe.finish()

    def arm(self) -> None:
        """Tell the wheel the earliest deadline."""
        self.deadline_changed = False
        due = self._alarm_at
        if self.state is not LOST:
            due = min(due, self._closing_at)
            if self.state is not CLOSE_SENT:
                due = min(due, self.keepalive.due())
            if self.pipe.pending:
                due = min(due, self.send_due(self.reactor.loop.time()))
        if due < NEVER:
            self.reactor.wheel.arm(self, due)

    def arm_soon(self) -> None:
        """Tell the wheel the earliest deadline, in a turn at its end: deadlines change often."""
        if self.in_turn:
            self.deadline_changed = True
        else:
            self.arm()

    def send_due(self, now: float) -> float:
        """Return when the peer must have taken some of the bytes that wait for it."""
        pipe = self.pipe
        return self.lifecycle.outbox.due(now, pipe.pending, pipe.taken)

    # Inside.

    def _read_on(self) -> None:
        self.state = OPEN
        self.keepalive.resume(self.reactor.loop.time())
        self.pipe.resume()
        self.arm_soon()
