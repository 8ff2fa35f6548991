"""The lane of a message: from the bytes of one turn to the handler, and back to bytes.

    received   one turn begins
     └ feed       bytes → events, one at a time
        └ deliver    an event → its callback → what is pushed, appended to `out`
    finish_turn   one write: everything that the turn had to say

This is all that runs for each message, so it is what the compiled core has a twin of
(`core/live/lane.pyx`). It knows one sentence of the contract: *an idle connection, and a result
that is None, `str` or `bytes`*. What else there is goes to the life cycle, which decides
everything; what is not of every message is the `Link`'s, which is a lane with the rest around it.
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any, cast

from sock.spec import Ping, Pong, ProtocolError
from sock.spec.message import MESSAGE_TYPES
from sock.wire.frame import Close

from .live_connection import LiveConnection

if TYPE_CHECKING:
    from sock.engine import Keepalive
    from sock.loop.pipe import Pipe
    from sock.loop.reactor import Reactor
    from sock.loop.scope import Scope
    from sock.spec import Message, Options, Request, Sock
    from sock.wire.parser import Event, Parser
    from sock.wire.writer import Writer


class Lane(LiveConnection):
    """What a link does for each message. Made by the link that it is a part of.

    Args:
        reactor, request, handler, options, keepalive, debug, scope: of a `LiveConnection`.
        pipe: to the peer.
        parser: of what the peer sends.
        writer: of what it is sent.
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

    def __init__(
        self,
        reactor: Reactor,
        request: Request,
        handler: Sock[Any, Any],
        options: Options,
        keepalive: Keepalive,
        debug: bool,  # noqa: FBT001 - one of many
        scope: Scope,
        pipe: Pipe,
        parser: Parser,
        writer: Writer,
    ) -> None:
        super().__init__(reactor, request, handler, options, keepalive, debug, scope)
        self.pipe = pipe
        self.parser = parser
        self.writer = writer
        self._out = bytearray()
        max_pending = options.max_send_buffer
        # A number is compared faster than None is told apart.
        self._max_pending: float = float("inf") if max_pending is None else max_pending
        self._max_out = self._max_pending  # what is left of it for this turn
        self.in_turn = False
        """Whether the lane is in a turn of its own, which flushes at its end."""
        self.unread = False
        """Whether the parser may hold messages that nobody could take."""
        self.close_sent = False
        """Whether our Close is on its way."""
        self.close_received = False
        """Whether the peer's Close has come."""
        self.deadline_changed = False
        """Whether a deadline was set in this turn, and the wheel does not know of it."""

    # In.

    def received(self, data: bytes, /) -> None:
        """Handle all messages that are complete, then send, once, what they were answered."""
        self.run_in_scope(self._received, data)

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
        """Give the parser bytes, or none to go on, and deliver what it finds."""
        deliver = self._await_close if self.close_sent else self._deliver
        self.unread = not self.parser.feed(data, deliver)

    def _deliver(self, event: Event) -> bool:
        """Hand over one event; tell whether the parser may go on."""
        life = self.lifecycle
        if life.ready:
            kind = type(event)
            callback = life.on_text if kind is str else life.on_binary if kind is bytes else None
            if callback is not None:
                life.busy = True
                try:
                    result = callback(event)
                    kind = cast("type[Any]", type(result))
                    if kind is CoroutineType and not self.debug:
                        result = self.reactor.eager.begin(result, self)
                        kind = cast("type[Any]", type(result))
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
                    return not self._late()
                life.take_result(result)
                result = None  # an error in it may know this frame
                return life.reading and not self._late()
        return self._deliver_slowly(event) and not self._late()

    def _late(self) -> bool:
        """Tell whether the turn has lasted too long, and is over."""
        if not self.reactor.overdue():
            return False
        self.fall_behind()
        return True

    def _deliver_slowly(self, event: Event) -> bool:
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
        """After our Close: ignore everything but the peer's."""
        if isinstance(event, Close):
            self.close_received = True
        return True

    def offer(self, info: Any, /) -> bool:
        """Push an info at once that is a message, if nobody is to be asked; tell whether it was.

        The fast path of a fan-out, from the loop's thread only; asked from another, it refuses.
        Never runs a callback; what cannot be encoded is told in its turn.
        """
        life = self.lifecycle
        if not (life.pushes_infos and life.ready) or life.busy or not self.reactor.in_loop_thread():
            return False
        if not isinstance(info, MESSAGE_TYPES):
            return False
        try:
            self.writer.push(self._out, cast("Message", info))
        except Exception:  # noqa: BLE001 - a lone surrogate, say: nothing was appended
            return False
        self.queued()
        return True

    # Out.

    def push(self, message: Message, /) -> None:
        """Queue a message; it leaves at the end of the turn."""
        self.writer.push(self._out, message)
        self.queued()

    def append(self, data: bytes | bytearray) -> None:
        """Queue bytes, such as the 101."""
        self._out += data

    def queued(self) -> None:
        """See to it that what was queued leaves, and that not too much of it waits."""
        if not self.in_turn:
            self.reactor.wake(self)
        if len(self._out) > self._max_out:
            self.lifecycle.note_pending(len(self._out) + self.pipe.pending)

    def queued_size(self) -> int:
        """Return how many bytes are queued. From any thread."""
        return len(self._out)

    def flush(self) -> None:
        """Send all that is queued, now."""
        if self._out:
            out, self._out = self._out, bytearray()
            self.pipe.write(out)

    def forget(self) -> None:
        """Drop all that is queued: there is nobody to send it to."""
        self._out.clear()

    def finish_turn(self) -> None:
        """Send all that the turn has to say."""
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

    # Of the link: what is not of every message.

    def broken(self, error: BaseException) -> None:
        """End after a turn that could not be finished."""
        raise NotImplementedError

    def fall_behind(self) -> None:
        """Go on in the next turn, and read nothing before: this one has lasted too long."""
        raise NotImplementedError

    def note_pending(self, pending: int) -> None:
        """Take note of what the kernel has not taken of this turn's write; 0 is the end of it."""
        raise NotImplementedError

    def end_tcp(self) -> None:
        """End TCP at the end of a turn, if our Close is all that there will ever be."""
        raise NotImplementedError

    def limit_turn(self, pending: int) -> None:
        """Take note of how much may be queued in this turn: what may wait, without what waits."""
        self._max_out = self._max_pending - pending
