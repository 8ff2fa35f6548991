"""The life cycle of the channels of one topic on one connection.

    state    what comes                         what is done                              then
    -------  ---------------------------------  ----------------------------------------  -------
    EMPTY    join                               make the channel, call join               JOINING
    EMPTY    leave                              reply ok                                  EMPTY
    EMPTY    event                              reply error "unmatched topic"             EMPTY
    JOINING  join returns                       listen to the topic, reply ok, call       JOINED
                                                after_join
    JOINING  join raises JoinError              reply error with its response             EMPTY
    JOINING  join raises, or lasts too long     reply error "join crashed"                EMPTY
    JOINED   event                              decode it, call its method, reply         JOINED
    JOINED   event or leave, other join_ref     nothing                                   JOINED
    JOINED   info, intercepted broadcast        call handle_info, or its method           JOINED
    JOINED   leave                              reply ok, phx_close; terminate(Left)      EMPTY
    JOINED   join                               terminate(Duplicate), then as in EMPTY,   JOINING
                                                and phx_close of the old one behind the
                                                reply
    JOINED   Stop: given, raised, or stop()     phx_close; terminate(Stopped)             EMPTY
    JOINED   an exception, a Stop with an       phx_error; terminate(Crashed)             EMPTY
             error, a reply that cannot be sent
    any      the connection ends                terminate(Closed or Draining) if JOINED   EMPTY

A lane gives it one thing at a time (`topic_lane.py`). What is done is a generator of steps: plain
functions run inline, and a connection has no task while nothing is awaited.
"""

from __future__ import annotations

from collections.abc import Awaitable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

from sock.spec import InvalidMessage, Stop

from .channel import JOINED, OVER, bind, change_phase, events_of, known_ref
from .channel_ref import StopChannel, ToChannel
from .message import CLOSE, ERROR, JOIN, LEAVE, Message
from .reason import Crashed, Duplicate, Left, Stopped
from .reply_error import ReplyError
from .steps import Overdue, Within
from .voice import NOTHING, Voice

if TYPE_CHECKING:
    from collections.abc import Generator

    from .broadcaster import Intercepted
    from .channel import Channel
    from .connection import Connection
    from .reason import Ended
    from .steps import Steps
    from .waiting import Work

SHUTDOWN_TIMEOUT: Final = 5.0
"""Seconds for which a new join waits for an old channel, and for the end of any channel."""


class ChannelLifecycle(Voice):
    """What is done with each thing that comes for a topic. A `TopicLane` is one.

    Args:
        connection: of the client.
        topic: the topic.
        kind: the class of its channels.
    """

    __slots__ = ("_channel", "_kind")

    def __init__(self, connection: Connection, topic: str, kind: type[Channel]) -> None:
        super().__init__(connection, topic)
        self._kind = kind
        self._channel: Channel | None = None  # while JOINED

    @property
    def is_joined(self) -> bool:
        """Whether a channel has joined."""
        return self._channel is not None

    def steps_for(self, work: Work) -> Steps:
        """Return what is to be done with something that has come."""
        if isinstance(work, Message):
            if work.event == JOIN:
                return self._join(work)
            return self._leave(work) if work.event == LEAVE else self._event(work)
        return self._info(work) if isinstance(work, ToChannel) else self._intercepted(work)

    def steps_to_end(self, reason: Ended) -> Steps:
        """Let the channel end, if one has joined: the connection has ended."""
        if self._channel is not None:
            yield from self._terminate(self._channel, reason)

    # What comes.

    def _join(self, message: Message) -> Steps:
        old, old_ref = self._channel, self.join_ref
        if old is not None:
            yield from self._terminate(old, Duplicate())
        joined = yield from self._enter(message)
        if old is not None:
            self.say_end(CLOSE, old_ref, NOTHING)
        if joined is not None:
            yield from self._call(joined, "after_join", joined.after_join)

    def _enter(self, message: Message) -> Generator[Awaitable[Any] | Within, Any, Channel | None]:
        """Let the client in; return the channel, if it may."""
        connection, topic = self.connection, self.topic
        channel: Channel | None = None
        try:
            events = events_of(self._kind)
            params = events.params.decode(message.payload, binary=message.binary)
            channel = self._kind()
            bind(channel, self, topic, SimpleNamespace(**vars(connection.socket.assigns)))
            response = channel.join(topic, params)
            if _is_awaitable(response):
                response = yield Within(response, connection.limits.join_timeout)
            response = NOTHING if response is None else response
            # It is encoded before the client listens: a response that cannot be ends the join.
            frame = connection.serializer.reply(
                message.join_ref, message.ref, topic, "ok", response
            )
            yield connection.broadcaster.prepare(topic, connection.ref)
            yield connection.broadcaster.attach(
                topic, connection.ref, connection.serializer, frozenset(events.intercepted)
            )
        except ReplyError as refusal:
            self.emit("channel.refused", response=refusal.response)
            self.reply_to_join(message, "error", refusal.response, message.join_ref)
        except InvalidMessage as error:
            self.reply_to_join(message, "error", _invalid(error), message.join_ref)
        except Exception as error:  # noqa: BLE001 - a callback may raise anything
            late = TimeoutError("it took too long")
            self._report_crash("join", late if isinstance(error, Overdue) else error)
            self.reply_to_join(message, "error", {"reason": "join crashed"}, message.join_ref)
        else:
            self._channel = channel
            self.join_ref = message.join_ref
            self.stamp = message.ref if message.join_ref is None else message.join_ref
            change_phase(channel, JOINED)
            self.emit("channel.joined")
            connection.send(frame)
            return channel
        if channel is not None:
            change_phase(channel, OVER)
            # It may be attached already, where the pubsub has failed in between.
            yield connection.broadcaster.detach(topic, connection.ref)
            yield from self._let_go(channel)
        return None

    def _leave(self, message: Message) -> Steps:
        channel = self._channel
        if channel is None:
            self.reply_to_join(message, "ok", NOTHING, message.join_ref)
        elif self.is_of_this_join(message):
            self.reply(message, "ok", NOTHING)
            self.say_end(CLOSE, self.join_ref, NOTHING)
            yield from self._terminate(channel, Left())

    def _event(self, message: Message) -> Steps:
        channel = self._channel
        if channel is None:
            self.connection.reply_unmatched(message)
            return
        if not self.is_of_this_join(message):
            return
        event: Any = message.event
        handler = events_of(self._kind).pushed.get(event) if isinstance(event, str) else None
        if handler is None:
            yield from self._not_understood(channel, message, {"reason": "unmatched event"})
            return
        try:
            argument = handler.payload.decode(message.payload, binary=message.binary)
        except InvalidMessage as error:
            yield from self._not_understood(channel, message, _invalid(error))
            return
        self.handled = message
        yield from self._call(channel, handler.name, getattr(channel, handler.name), argument)

    def _info(self, work: ToChannel) -> Steps:
        channel = self._channel
        if channel is None or work.channel is not channel:
            return
        info = work.info
        if isinstance(info, StopChannel):
            if info.error is None:
                yield from self._stop(channel)
            else:
                yield from self._crash(channel, "spawn", info.error)
        else:
            yield from self._call(channel, "handle_info", channel.handle_info, info)

    def _intercepted(self, work: Intercepted) -> Steps:
        channel = self._channel
        if channel is None:
            return
        broadcast = work.broadcast
        handler = events_of(self._kind).intercepted[broadcast.event]
        try:
            argument = handler.payload.decode(broadcast.payload, binary=broadcast.binary)
        except InvalidMessage as error:
            yield from self._crash(channel, handler.name, error)
        else:
            yield from self._call(channel, handler.name, getattr(channel, handler.name), argument)

    def _call(self, channel: Channel, place: str, callback: Any, *arguments: Any) -> Steps:
        """Call a callback, and do what its result says."""
        message = self.handled
        result: Any = None
        told: BaseException | None = None
        try:
            result = callback(*arguments)
            if _is_awaitable(result):
                result = yield cast("Awaitable[Any]", result)
            if message is not None and result is not None and not isinstance(result, Stop):
                self.reply(message, "ok", result)
        except Overdue:  # a new join does not wait any longer
            return
        except ReplyError as refusal:
            told = refusal if message is None else self._try_to_reply(message, refusal.response)
        except Stop as stop:
            result = stop
        except Exception as error:  # noqa: BLE001 - a callback may raise anything
            told = error
        finally:
            self.handled = None
        if isinstance(result, Stop):
            told = told or result.error
            if told is None:
                yield from self._stop(channel)
        result = None
        if told is not None:
            crash, told = self._crash(channel, place, told), None  # it refers to this frame
            yield from crash

    def _try_to_reply(self, message: Message, response: Any) -> Exception | None:
        """Answer with an error; return the exception of a response that cannot be sent."""
        try:
            self.reply(message, "error", response)
        except (TypeError, ValueError) as error:
            return error
        return None

    def _not_understood(self, channel: Channel, message: Message, response: Any) -> Steps:
        if channel.strict:
            error = ValueError(f"{response['reason']} {message.event!r:.60}")
            yield from self._crash(channel, "handle_in", error)
        else:
            self.reply(message, "error", response)

    # Its ends.

    def _stop(self, channel: Channel) -> Steps:
        self.say_end(CLOSE, self.join_ref, NOTHING)
        yield from self._terminate(channel, Stopped())

    def _crash(self, channel: Channel, place: str, error: BaseException) -> Steps:
        self._report_crash(place, error)
        self.say_end(ERROR, self.join_ref, {"reason": "channel_crash"})
        yield from self._terminate(channel, Crashed(error))

    def _terminate(self, channel: Channel, reason: Ended) -> Steps:
        """Let the channel end. What it pushes from now on is dropped."""
        self._channel = None
        change_phase(channel, OVER)
        connection = self.connection
        if not connection.ref.closed:
            yield connection.broadcaster.detach(self.topic, connection.ref)
        yield from self._let_go(channel, reason)
        self.emit("channel.ended", reason=reason)

    def _let_go(self, channel: Channel, reason: Ended | None = None) -> Steps:
        ref = known_ref(channel)
        if ref is not None:
            ref.release()
        if reason is not None:
            try:
                ended = channel.terminate(reason)
                if _is_awaitable(ended):
                    yield Within(cast("Awaitable[Any]", ended), SHUTDOWN_TIMEOUT)
            except Exception as error:  # noqa: BLE001 - a callback may raise anything
                late = TimeoutError(f"it took more than {SHUTDOWN_TIMEOUT:g} s")
                self._report_crash("terminate", late if isinstance(error, Overdue) else error)
        if ref is not None:
            ref.call_back()

    def _report_crash(self, place: str, error: BaseException) -> None:
        self.emit("channel.crashed", place=f"{self._kind.__qualname__}.{place}", error=error)


def _is_awaitable(result: Any) -> bool:
    # The first test is for speed: most callbacks return nothing, or a mapping.
    return result is not None and type(result) is not dict and isinstance(result, Awaitable)


def _invalid(error: InvalidMessage) -> dict[str, Any]:
    return {
        "reason": "invalid payload",
        "errors": [{"path": error.path, "message": error.why}],
    }
