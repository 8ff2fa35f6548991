"""A connection whose frames the host reads and writes itself: the life cycle over plain calls.

    state       what happens                    what is done                            then
    ----------  ------------------------------  --------------------------------------  ----------
    OPEN        a message or a pong comes       the life cycle takes it (1)             OPEN
    OPEN        a ping comes                    send a pong, tell the life cycle        OPEN
    OPEN        the life cycle holds            pause the wire, stop the peer's clock   HELD
    HELD        the life cycle resumes          take what was left, then read again     OPEN
    not LOST    the life cycle closes (2)       send our Close, read on                 CLOSE_SENT
    CLOSE_SENT  the peer's Close comes          end TCP                                 CLOSE_SENT
    CLOSE_SENT  the peer breaks the protocol    end TCP                                 CLOSE_SENT
    CLOSE_SENT  anything else comes             ignore it                               CLOSE_SENT
    CLOSE_SENT  close_timeout passes            cut TCP                                 CLOSE_SENT
    not LOST    TCP is lost                     tell the life cycle                     LOST
    LOST        the life cycle is over          call on_over                            LOST

    (1) its answers leave in one write at the end of the turn
    (2) by itself, or because it was told of the peer's Close or of a violation of the protocol

"The peer's clock" is its `Keepalive`: it stands still while the wire does not read (rule 12).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, final

from sock import telemetry
from sock.engine import NEVER, Keepalive, encoded_size
from sock.engine.phase import OVER
from sock.spec import Ping, Pong, ProtocolError, Remote
from sock.wire.frame import Close, too_big
from sock.wire.traffic import BothWays

from .ref import LiveRef
from .server_wire import plain
from .state import BEHIND, CLOSE_SENT, HELD, LOST, OPEN
from .tcp_connection import TcpConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sock.loop.reactor import Reactor
    from sock.spec import Message, Options, Request, Sock

    from .frame_wire import FrameWire

    Received: TypeAlias = str | bytes | Ping | Pong | Remote | ProtocolError


@final
class EngineConnection(TcpConnection):
    """One live connection of a host that has its own wire, and takes everything else from Sock.

    The host calls `begin` once, then `receive`, `drained` and `lost` as things happen. All of them
    are in the thread of the event loop, and so are the calls of the wire, except its `pending`: a
    ref asks for that from any thread ([S10.10]). For a drain the connection is one of the host's
    `Members`.

    Args:
        reactor: of the event loop.
        wire: the connection in the host, whose 101 is on its way.
        request: that was upgraded.
        handler: of the application; its callbacks are called.
        options: all limits, laid over those of the host.
        on_over: called when the life cycle and TCP have both ended.
        debug: whether to report callbacks that block the event loop.
    """

    __slots__ = (
        "_ending_tcp",
        "_in_turn",
        "_peer_done",
        "_traffic",
        "_unread",
        "_wire",
        "ref",
    )

    def __init__(
        self,
        reactor: Reactor,
        wire: FrameWire,
        request: Request,
        handler: Sock[Any, Any, Any],
        options: Options,
        *,
        on_over: Callable[[EngineConnection], None] | None = None,
        debug: bool = False,
    ) -> None:
        keepalive = Keepalive(options.idle_timeout, options.ping_interval, reactor.loop.time())
        scope = reactor.scope.for_current_context()
        self._set_up(reactor, request, handler, options, keepalive, debug, scope)
        self._set_up_end(on_over)
        self.ref = LiveRef(self)
        self._traffic = BothWays()
        self._wire = wire
        self._in_turn = False
        self._unread: Any = None  # an iterator: what the host has read and nobody has taken yet
        self._ending_tcp = False
        self._peer_done = False  # its Close has come, or it has broken the protocol

    # Called by the host.

    def begin(self) -> None:
        """Go live, when the 101 is on its way: call `init`, then let the wire read."""
        if self.lifecycle.phase is not OVER:  # a drain may have ended it before it began
            self.run_in_scope(self._begin)

    def receive(self, received: Iterable[Received]) -> None:
        """Take what the host has read in one piece; all answers leave in one write.

        This may be called while the wire is paused: the connection keeps what is new behind what
        it has not taken yet, and takes it after `resume`.

        Args:
            received: complete messages, pings and pongs; `Remote(code, detail)` for a Close frame,
                where 1005 is one without a code; a `ProtocolError` where the peer has broken the
                protocol, after which nothing is parsed any more. It may be a generator that parses
                the next one when it is asked: nothing is asked for while the wire is paused.
        """
        self.keepalive.heard = self.reactor.loop.time()
        rest = self._unread
        self._unread = iter(received) if rest is None else chain(rest, received)
        if self.state is OPEN or self.state is CLOSE_SENT:
            self.reactor.begin_turn()
            self.turn()
            if self.reactor.overdue():
                self.reactor.end_long_turn()

    def drained(self) -> None:
        """Take note that the kernel has taken everything that was pending."""
        self.run_in_scope(self._go_on_sending)

    def lost(self) -> None:
        """Take note that TCP has ended, whoever has ended it. This is the last call."""
        self._unread = None
        self.note_lost()

    # Called by a drain and by the reactor.

    def abort(self) -> None:
        """Cut the connection."""
        self._wire.cut()

    def go_on(self) -> None:
        """Handle the messages and infos that wait, and send everything that is queued."""
        self._in_turn = True
        try:
            if self._unread is not None and self.state is not HELD:
                self._take_unread()
            if self.state is BEHIND and self._unread is None:
                self._read_on()
            self.lifecycle.step()
            self._finish_turn()
        except BaseException as error:
            self._break(error)
            raise

    def arm(self) -> None:
        """Tell the wheel the earliest deadline."""
        due = self._alarm_at
        if self.state is not LOST:
            now = self.reactor.loop.time()
            due = min(due, self._closing_at, self.send_due(now))
            if self.state is not CLOSE_SENT:
                due = min(due, self.keepalive.due())
        if due < NEVER:
            self.reactor.wheel.arm(self, due)

    def send_due(self, now: float) -> float:
        """Return when the peer must have taken some of the bytes that wait for it."""
        wire = self._wire
        return self.lifecycle.outbox.due(now, wire.pending, wire.bytes_taken)

    def traffic(self) -> tuple[int, int, int, int]:
        """Return the messages received, their bytes, the messages sent, and their bytes."""
        return self._traffic.figures()

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer."""
        return 0 if self.state is LOST else self._wire.pending

    # Called by the life cycle, whose host this is.

    def push(self, message: Message, /) -> None:
        """Queue a message, which is sent at the end of the turn."""
        if self.state is CLOSE_SENT or self.state is LOST:
            return
        sent = plain(message)
        self._wire.send(sent)
        if not isinstance(sent, (Ping, Pong)):
            size = encoded_size(sent)
            self._traffic.sent(size)
        if self._wire.pending > self._max_pending():
            self.lifecycle.note_pending(self._wire.pending)
        if not self._in_turn:
            self.reactor.wake(self)

    def close(self, code: int | None, detail: str, /) -> None:
        """Send Close, behind everything that was pushed."""
        if self.state is LOST:
            return
        reading = self.state is OPEN
        self.state = CLOSE_SENT
        self._closing_at = self.reactor.loop.time() + self._options.close_timeout
        self._wire.close(code, detail)
        # Now, in one write with everything before it: `terminate` comes next, and never delays the
        # Close frame (rule 8).
        self._wire.flush()
        self.arm()
        if not reading:
            self._wire.resume()
        if not self._in_turn:
            self.reactor.wake(self)  # the peer's Close may be among the unread messages

    def hold(self) -> None:
        """Stop reading. The peer's clock stands still."""
        if self.state is OPEN or self.state is BEHIND:
            self._pause()
            self.state = HELD

    def resume(self) -> None:
        """Read again; in the next turn, the messages that were left come first."""
        if self.state is HELD:
            self.state = BEHIND
            self.reactor.wake(self)

    def over(self) -> None:
        """Take note that the life cycle has ended."""
        self.ref.drop_connection()
        self.finish()
        if self.state is not CLOSE_SENT and self.state is not LOST:
            self._wire.end()  # a drain has ended it before `init`: no Close was sent
        self.release()

    # Inside.

    def _begin(self) -> None:
        telemetry.emit("connection.opened", request=self.request, connection=self)
        self._in_turn = True
        self.lifecycle.open()
        self._finish_turn()
        if self.state is OPEN or self.state is CLOSE_SENT:
            self._wire.resume()
        self.arm()

    def _take_unread(self) -> None:
        """Take one after the other, as long as the life cycle and the time of the turn allow it."""
        for one in self._unread:
            if not self._take(one):
                return
            if self.state is OPEN and self.reactor.overdue():
                self._pause()
                self.state = BEHIND
                self.reactor.wake(self)
                return
        self._unread = None

    def _take(self, received: Received) -> bool:
        """Take what was received; tell whether more may be asked for."""
        life = self.lifecycle
        if isinstance(received, (Remote, ProtocolError)):
            self._peer_done = True
            if self.state is CLOSE_SENT:
                pass  # both Closes are there, or there will be no other
            elif isinstance(received, ProtocolError):
                life.violated(received)
            else:
                answer = Close(received.code, received.detail).answer
                life.peer_closed(received.code, received.detail, answer)
            return False
        if self.state is CLOSE_SENT:
            return True  # it is ignored
        size = encoded_size(received)
        if isinstance(received, (str, bytes)):
            if size > self._max_size():
                self._peer_done = True
                life.violated(too_big(int(self._max_size())))
                return False
            self._traffic.received(size)
        if self.throttle is not None and not self.within_rate(size):
            return False
        if isinstance(received, Ping):
            self._wire.send(Pong(received.payload))
        return life.receive(received)

    def _finish_turn(self) -> None:
        """Send everything that was queued during the turn."""
        self._in_turn = False
        if self.state is LOST:
            return
        if self.state is CLOSE_SENT:
            if self._peer_done and not self._ending_tcp:
                self._ending_tcp = True
                self._wire.end()
            return
        self._wire.flush()
        pending = self._wire.pending
        if pending:
            self.lifecycle.note_pending(pending)
            self.arm()
        elif self.lifecycle.outbox.full:
            self._go_on_sending()

    def _go_on_sending(self) -> None:
        self.lifecycle.note_pending(0)
        self.wake_waiters()

    def _pause(self) -> None:
        if self.state is OPEN:
            self.keepalive.hold(self.reactor.loop.time())
            self._wire.pause()

    def _read_on(self) -> None:
        self.state = OPEN
        self.keepalive.resume(self.reactor.loop.time())
        self._wire.resume()
        self.arm()

    def _break(self, error: BaseException) -> None:
        self._in_turn = False
        self.reactor.wake(self)
        self.end_broken(error)

    def _max_size(self) -> float:
        return self._options.max_message_size or NEVER

    def _max_pending(self) -> float:
        return self._options.max_send_buffer or NEVER
