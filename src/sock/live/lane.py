"""The lane of a message: from the bytes of one turn to the handler, and back to bytes.

    received      one turn begins
     ├ feed          bytes → events, one at a time
     │  └ _deliver      an event → its callback → its result, as a frame in `_out`
     └ finish_turn   one write with everything that was queued in the turn

A `Lane` is the part of a `Link` that runs for every message. The compiled core has a twin of it
(`core/live/lane.pyx`). It knows one sentence of the contract: *an idle connection, and a result
that is None, `str` or `bytes`*. It hands everything else to the life cycle, which decides; and it
leaves to `Link`, its subclass, everything that is not done for every message.
"""

from __future__ import annotations

from time import monotonic_ns
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, cast

from sock.engine import encoded_size
from sock.spec import Ping, Pong, ProtocolError
from sock.spec.message import MESSAGE_TYPES, Whole
from sock.wire.frame import Close

from .tcp_connection import TcpConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.engine import Keepalive
    from sock.loop.pipe import Pipe
    from sock.loop.reactor import Reactor
    from sock.loop.scope import Scope
    from sock.spec import Message, Options, Request, Sock
    from sock.wire.parser import Event, Parser
    from sock.wire.writer import Writer

_kind_of: Final[Callable[[Any], type[Any]]] = type
"""For the checkers of types: a call of `cast` for every message is a tenth of it."""


class Lane(TcpConnection):
    """The part of a `Link` that runs for every message. A `Link` is a `Lane`.

    Args:
        reactor, request, handler, options, keepalive, debug, scope: of a `LiveConnection`.
        pipe: the connection to the peer.
        parser: reads the frames of the peer.
        writer: writes the frames for the peer.
    """

    __slots__ = (
        "_max_out",
        "_max_pending",
        "_out",
        "close_received",
        "close_sent",
        "deadline_changed",
        "in_turn",
        "parser",
        "pipe",
        "unread",
        "writer",
    )

    def _set_up_lane(
        self,
        reactor: Reactor,
        request: Request,
        handler: Sock[Any, Any, Any],
        options: Options,
        keepalive: Keepalive,
        debug: bool,  # noqa: FBT001 - one of many
        scope: Scope,
        pipe: Pipe,
        parser: Parser,
        writer: Writer,
    ) -> None:
        """Do what a constructor would do, as `LiveConnection._set_up` does it."""
        self._set_up(reactor, request, handler, options, keepalive, debug, scope)
        self.pipe = pipe
        self.parser = parser
        self.writer = writer
        self._out = bytearray()
        max_pending = options.max_send_buffer
        # Comparing with infinity is faster than asking whether the limit is None.
        self._max_pending: float = float("inf") if max_pending is None else max_pending
        self._max_out = self._max_pending  # the part of it that is left for this turn
        self.in_turn = False
        """Whether a turn of this connection is under way, which sends at its end."""
        self.unread = False
        """Whether the parser may hold messages that have not been handled."""
        self.close_sent = False
        """Whether our Close frame has been sent."""
        self.close_received = False
        """Whether the peer's Close frame has been received."""
        self.deadline_changed = False
        """Whether a deadline was set in this turn that the timer wheel has not been told."""

    # From the peer to the handler.

    def received(self, data: bytes, /) -> None:
        """Handle all messages that are complete, then send all answers in one write."""
        self.call_in_scope(self._received, data)

    def _received(self, data: bytes) -> None:
        self.keepalive.heard = self.reactor.now
        self.in_turn = True
        try:
            self.feed(data)
            self.finish_turn()
        except BaseException as error:
            self.broken(error)
            raise

    def feed(self, data: bytes) -> None:
        """Give bytes to the parser, and handle the events in them; no bytes let it go on."""
        if self.close_sent:
            deliver = self._await_close
        else:
            deliver = self._deliver if self.throttle is None else self._deliver_within_rate
        self.unread = not self.parser.feed(data, deliver)

    def _deliver(self, event: Event) -> bool:
        """Hand one event to its callback, queue the result; return whether the parser may go on."""
        life = self.lifecycle
        if life.ready:
            kind = _kind_of(event)
            callback = life.on_text if kind is str else life.on_binary if kind is bytes else None
            if callback is not None:
                life.busy = True
                try:
                    result = callback(event)
                    kind = _kind_of(result)
                    if kind is CoroutineType and not self.debug:
                        result = self.reactor.eager.begin(result, self)
                        kind = _kind_of(result)
                    if (kind is str or kind is bytes) and life.ready:
                        self.writer.push(self._out, result)
                        result = None
                        if len(self._out) > self._max_out:
                            self.queued()
                except BaseException as error:
                    life.take_error(error)
                    if isinstance(error, (KeyboardInterrupt, SystemExit)):
                        raise
                    return life.reading
                if result is None and life.ready:
                    life.busy = False
                    return monotonic_ns() <= self.reactor.deadline or self._turn_goes_on()
                life.take_result(result)
                result = None  # an error in it may refer to this frame, which would refer to it
                return life.reading and self._turn_goes_on()
        return self._deliver_slowly(event) and self._turn_goes_on()

    def _deliver_within_rate(self, event: Event) -> bool:
        """Do as `_deliver` does, where the peer has a limit. Others do not pay for it."""
        if isinstance(event, (Close, ProtocolError)):
            return self._deliver(event)
        within = self.within_rate(encoded_size(event))
        return within and self._deliver(event) and self.lifecycle.reading

    def _turn_goes_on(self) -> bool:
        """Return whether this turn has time left; if not, the rest waits for the next one."""
        if monotonic_ns() <= self.reactor.deadline:
            return True
        self.fall_behind()
        return False

    def _deliver_slowly(self, event: Event) -> bool:
        """Handle an event that is not a message for an idle connection."""
        life = self.lifecycle
        if isinstance(event, Ping):
            # RFC 6455 §5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
            # response".
            if not self.close_sent:
                self.writer.push(self._out, Pong(event.payload))
                self.queued()
        elif isinstance(event, Close):
            self.close_received = True
            life.peer_closed(event.code, event.detail, event.answer)
            return False
        elif isinstance(event, ProtocolError):
            life.violated(event)
            return False
        return life.receive(event)

    def _await_close(self, event: Event) -> bool:
        """Ignore everything that follows our Close, except for the peer's Close."""
        if isinstance(event, Close):
            self.close_received = True
        return True

    def offer(self, info: Any, /) -> bool:
        """Push an info that is a message, if no callback must see it; return whether it was pushed.

        This is the fast path of a fan-out. It works in the loop's thread only, and it never runs a
        callback. A message that cannot be encoded takes the ordinary way, which raises the error.
        """
        life = self.lifecycle
        if type(info) is Whole:
            if not life.pushes_whole:
                return False
            info = info.message
        elif not life.pushes_infos:
            return False
        if not life.ready or life.busy or not self.reactor.in_loop_thread():
            return False
        if not isinstance(info, MESSAGE_TYPES):
            return False
        try:
            self.writer.push(self._out, cast("Message", info))
        except Exception:  # noqa: BLE001 - a lone surrogate, for instance; nothing was appended
            return False
        self.queued()
        return True

    # From the handler to the peer.

    def push(self, message: Message, /) -> None:
        """Queue a message, which is sent at the end of the turn."""
        self.writer.push(self._out, message)
        self.queued()

    def append(self, data: bytes | bytearray) -> None:
        """Queue bytes as they are, such as the 101 response."""
        self._out += data

    def queued(self) -> None:
        """Ask for a turn that sends the queued bytes, and hold the limit of the send buffer."""
        if not self.in_turn:
            self.reactor.wake(self)
        if len(self._out) > self._max_out:
            self.lifecycle.note_pending(len(self._out) + self.pipe.pending)

    def traffic(self) -> tuple[int, int, int, int]:
        """Return the messages received, their bytes, the messages sent, and their bytes."""
        parser, writer = self.parser, self.writer
        return parser.messages, parser.payload_bytes, writer.messages, writer.payload_bytes

    def queued_size(self) -> int:
        """Return how many bytes are queued. May be called from any thread."""
        return len(self._out)

    def flush(self) -> None:
        """Send all queued bytes now."""
        if self._out:
            out, self._out = self._out, bytearray()
            self.pipe.write(out)

    def forget(self) -> None:
        """Drop all queued bytes, as there is no peer any more."""
        self._out.clear()

    def finish_turn(self) -> None:
        """Send everything that was queued during the turn."""
        self.in_turn = False
        if self._out:
            self.flush()
            pending = self.pipe.pending
            if pending or self.lifecycle.outbox.full:
                self.note_pending(pending)
        if self.close_sent:
            self.end_tcp()
        if self.deadline_changed:
            self.arm()

    # The rest is done by `Link`.

    def broken(self, error: BaseException) -> None:
        """End the connection after a turn that could not be finished."""
        raise NotImplementedError

    def fall_behind(self) -> None:
        """Stop reading until the next turn, as this one has lasted too long."""
        raise NotImplementedError

    def note_pending(self, pending: int) -> None:
        """Note how many bytes of this turn's write the kernel has not taken, 0 for none."""
        raise NotImplementedError

    def end_tcp(self) -> None:
        """Close TCP at the end of a turn, if nothing can follow our Close frame."""
        raise NotImplementedError

    def limit_turn(self, pending: int) -> None:
        """Lower the limit of this turn by the bytes that the kernel has not taken yet."""
        self._max_out = self._max_pending - pending
