"""The mux: all topics of one connection, whatever carries its frames.

    a frame says             what is done
    -----------------------  --------------------------------------------------------------------
    nothing that is one      InvalidMessage: the transport closes with 1011
    a heartbeat              reply ok, at once
    a join, with a route     the lane of the topic takes it; there is a new one if there is none,
                             unless the client has joined `max_channels` already: error
    a join without a route   reply error "unmatched topic"
    leave, no lane           reply ok
    anything else, no lane   reply error "unmatched topic"
    anything else            the lane of the topic takes it

A transport makes a mux for each connection. It gives it what comes, runs the rest of what that has
begun beside the connection, and tells it the end. It has a `Ref`: frames for the client are sent
there as `Prepared`, in their order; all other infos that are sent there come back by `take_info`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, final

from .broadcaster import DISCONNECT, MAX_TOPIC, Intercepted
from .channel_ref import ToChannel
from .deferred import send_frame
from .limits import MAX_WAITING_BYTES
from .message import HEARTBEAT, JOIN, LEAVE, SYSTEM_TOPIC, Message
from .topic_lane import TopicLane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from sock.spec import Ref, Request

    from .broadcaster import Broadcaster
    from .limits import Limits
    from .message import Frame
    from .reason import Ended
    from .serializer import Serializer
    from .socket import Socket
    from .steps import Rest

_MAX_LATE: Final = 1024
"""Frames that may wait in a drain for the callback that has made them."""


@final
class Mux:
    """All topics of one connection.

    Args:
        socket: of the application, whose client was let in.
        serializer: reads and writes frames.
        broadcaster: carries broadcasts.
        limits: bound the channels.
        request: of the connection.
    """

    __slots__ = (
        "_lanes",
        "_late",
        "_room",
        "_waiting_bytes",
        "broadcaster",
        "limits",
        "ref",
        "request",
        "serializer",
        "socket",
    )

    ref: Ref[Any]
    """The address of the connection, from `begin` on."""

    def __init__(
        self,
        socket: Socket,
        serializer: Serializer,
        broadcaster: Broadcaster,
        limits: Limits,
        request: Request,
    ) -> None:
        self.socket = socket
        self.serializer = serializer
        self.broadcaster = broadcaster
        self.limits = limits
        self.request = request
        self._lanes: dict[str, TopicLane] = {}
        self._late: deque[Frame] | None = None
        self._waiting_bytes = 0
        self._room: asyncio.Future[None] | None = None

    # From the transport.

    async def begin(self, ref: Ref[Any]) -> None:
        """Begin: the connection is live."""
        self.ref = ref
        name = self.socket.id()
        if name is not None:
            await self.broadcaster.listen_for_disconnect(name, ref)

    def receive(self, frame: Frame) -> Rest | None:
        """Take a frame of the client.

        Returns:
            What goes on beside the connection: an iterator of frames, for a `Stream`.

        Raises:
            InvalidMessage: it is no frame of this version.
            RateExceeded: the client sends more joins and leaves than can wait.
        """
        message = self.serializer.decode(frame)
        topic, event = message.topic, message.event
        if topic == SYSTEM_TOPIC and event == HEARTBEAT:
            self._reply(message, None, "ok", {})
            return None
        lane = self._lanes.get(topic) if isinstance(topic, str) else None
        if lane is None:
            if event != JOIN:
                self._answer_without_lane(message)
                return None
            lane = self._new_lane(message)
            if lane is None:
                return None
        return lane.take(message)

    def take_info(self, info: Any) -> Rest | None:
        """Take what was sent to the connection, other than frames.

        Returns:
            What goes on beside the connection.
        """
        if isinstance(info, ToChannel):
            lane: Any = info.port
            taken: Rest | None = lane.take(info)
            return taken
        if isinstance(info, Intercepted):
            known = self._lanes.get(info.broadcast.topic)
            return None if known is None else known.take(info)
        return None

    def wants_to_end(self, info: Any) -> bool:
        """Tell whether an info asks for the end of the connection."""
        return isinstance(info, str) and info == DISCONNECT

    @property
    def is_full(self) -> bool:
        """Whether so much waits for the channels that nothing more should be read."""
        return self._waiting_bytes > MAX_WAITING_BYTES

    async def wait_for_room(self) -> None:
        """Wait until less waits for the channels."""
        while self.is_full:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def end(self, reason: Ended) -> Awaitable[None] | None:
        """Let all channels end: the connection has ended. Everything that went on is cancelled.

        Returns:
            What is left to await; None if nothing.
        """
        lanes, self._lanes = self._lanes, {}
        awaited = [one for one in (lane.end(reason) for lane in lanes.values()) if one is not None]
        return _all(awaited) if awaited else None

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that the client has joined."""
        return tuple(topic for topic, lane in self._lanes.items() if lane.is_joined)

    # From the lanes.

    def send(self, frame: Frame) -> None:
        """Send a frame to the client."""
        if not self.ref.closed:
            send_frame(self.ref, frame)
            return
        # The server drains: infos are dropped, but what a callback under way yields is sent.
        if self._late is None:
            self._late = deque(maxlen=_MAX_LATE)
        self._late.append(frame)

    def take_late(self) -> Iterator[Frame]:
        """Return the frames of a callback that has ended in a drain."""
        while self._late:
            yield self._late.popleft()

    def reply_unmatched(self, message: Message) -> None:
        """Answer a message for a topic that is not joined. Its `join_ref` is null, as Phoenix'."""
        self._reply(message, None, "error", {"reason": "unmatched topic"})

    def note_waiting(self, size: int) -> None:
        """Note that so many bytes more wait for a channel, or that fewer do."""
        self._waiting_bytes += size
        if self._room is not None and not self.is_full:
            room, self._room = self._room, None
            if not room.done():
                room.set_result(None)

    def drop(self, topic: str) -> None:
        """Forget a lane that is empty."""
        self._lanes.pop(topic, None)
        if not self._lanes:
            self._lanes = {}  # one that has become empty keeps its memory

    # Internal.

    def _new_lane(self, message: Message) -> TopicLane | None:
        topic: Any = message.topic
        kind = self.socket.channel_for(topic) if _is_topic(topic) else None
        if kind is None:
            self.reply_unmatched(message)
            return None
        if len(self._lanes) >= self.limits.max_channels:
            refused = {"reason": "too many channels joined"}
            self._reply(message, message.join_ref, "error", refused)
            return None
        lane = self._lanes[topic] = TopicLane(self, topic, kind)
        return lane

    def _answer_without_lane(self, message: Message) -> None:
        if message.event == LEAVE:
            self._reply(message, message.join_ref, "ok", {})
        else:
            self.reply_unmatched(message)

    def _reply(self, message: Message, join_ref: Any, status: str, response: Any) -> None:
        self.send(self.serializer.reply(join_ref, message.ref, message.topic, status, response))


async def _all(awaited: list[Awaitable[None]]) -> None:
    await asyncio.gather(*awaited)


def _is_topic(topic: object) -> bool:
    return isinstance(topic, str) and bool(topic) and len(topic.encode()) <= MAX_TOPIC
