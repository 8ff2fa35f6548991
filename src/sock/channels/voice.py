"""What a lane says: to the client, to all that have joined its topic, and to telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sock import telemetry

from .deferred import Deferred
from .message import same_ref

if TYPE_CHECKING:
    import concurrent.futures

    from sock.spec import Ref

    from .connection import Connection
    from .message import Message

NOTHING: Final[dict[str, Any]] = {}
"""The payload where nothing is to be said."""


class Voice:
    """What the lane of a topic says. A `TopicLane` is one; for its channel it is the `Port`.

    Args:
        connection: of the client.
        topic: the topic.
    """

    __slots__ = ("connection", "handled", "join_ref", "stamp", "topic")

    def __init__(self, connection: Connection, topic: str) -> None:
        self.connection = connection
        """Of the client."""
        self.topic = topic
        """The topic."""
        self.join_ref: Any = None
        """Of the join, as the client has sent it."""
        self.stamp: Any = None
        """What pushes and replies carry: that, or the `ref` of the join if there is none."""
        self.handled: Message | None = None
        """The event whose method is called now."""

    # From the channel, which has joined.

    @property
    def ref(self) -> Ref[Any]:
        """The address of the connection."""
        return self.connection.ref

    def push(self, event: str, payload: Any, /) -> None:
        """Send an event to the client."""
        self._say(self.stamp, None, event, NOTHING if payload is None else payload)

    async def broadcast(self, event: str, payload: Any, /, *, to_self: bool) -> None:
        """Send an event to all that have joined the topic."""
        exclude = None if to_self else self.ref
        await self.connection.broadcaster.broadcast(self.topic, event, payload, exclude=exclude)

    def broadcast_soon(
        self, event: str, payload: Any, /, *, to_self: bool
    ) -> concurrent.futures.Future[None]:
        """Do the same without waiting."""
        exclude = None if to_self else self.ref
        broadcaster = self.connection.broadcaster
        return broadcaster.broadcast_soon(self.topic, event, payload, exclude=exclude)

    def defer(self) -> Deferred:
        """Return what answers the event that is handled now.

        Raises:
            RuntimeError: none is.
        """
        if self.handled is None:
            raise RuntimeError("defer() is for the method that handles an event, while it does")
        return Deferred(self.ref, self.connection.serializer, self.stamp, self.handled)

    # From the lane.

    def reply(self, message: Message, status: str, response: Any) -> None:
        """Answer an event, or a leave."""
        self.reply_to_join(message, status, response, self.stamp)

    def reply_to_join(self, message: Message, status: str, response: Any, join_ref: Any) -> None:
        """Answer a message with a `join_ref` of its own. A client that wants no answer gets none.

        Raises:
            TypeError: the response cannot be written as JSON.
        """
        if message.ref is not None:
            connection = self.connection
            reply = connection.serializer.reply
            connection.send(reply(join_ref, message.ref, self.topic, status, response))

    def say_end(self, event: str, join_ref: Any, payload: Any) -> None:
        """Tell the client that a channel has ended: its `join_ref` is the `ref`, too."""
        self._say(join_ref, join_ref, event, payload)

    def is_of_this_join(self, message: Message) -> bool:
        """Tell whether a message belongs to the last join, and not to an older one."""
        return message.join_ref is None or same_ref(message.join_ref, self.join_ref)

    def emit(self, event: str, **fields: Any) -> None:
        """Tell telemetry what has happened on this topic."""
        telemetry.emit(event, request=self.connection.request, topic=self.topic, **fields)

    def _say(self, join_ref: Any, ref: Any, event: str, payload: Any) -> None:
        connection = self.connection
        connection.send(connection.serializer.message(join_ref, ref, self.topic, event, payload))
