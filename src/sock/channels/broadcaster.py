"""What lies between channels and the pubsub: topics, and what becomes of a broadcast.

a connection has joined             what it gets of a broadcast
----------------------------------  --------------------------------------------------------
with a class without `@intercept`   a whole frame, made once for each serializer
with one that has some              the same; an event that is intercepted goes to the channel
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from sock.pubsub import AsInfo
from sock.pubsub.payload import TEXT

from .serializer import V2, decode_broadcast, encode_broadcast

if TYPE_CHECKING:
    import concurrent.futures

    from sock.pubsub import PubSub
    from sock.pubsub.running import Running
    from sock.spec import Ref

    from .message import Broadcast, Frame
    from .serializer import Serializer

TOPIC_PREFIX: Final = "channel:"
"""Before the topic of a channel, in the pubsub: a program may have topics of its own there."""

ID_PREFIX: Final = "socket:"
"""Before the name of connections that can be ended together."""

DISCONNECT: Final = "disconnect"
"""The event that ends connections."""

MAX_TOPIC: Final = 1000
"""Bytes of a topic, in UTF-8. The pubsub takes a few more."""


@final
class Intercepted:
    """A broadcast that goes to channels, in the place of their clients.

    Args:
        broadcast: what was broadcast.
    """

    __slots__ = ("broadcast",)

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast = broadcast


@final
class FastLane:
    """Makes of a broadcast what connections get. It is called once for all that share it.

    Args:
        serializer: of these connections.
        intercepted: the events that go to their channels.
    """

    __slots__ = ("_intercepted", "_serializer")

    def __init__(self, serializer: Serializer, intercepted: frozenset[str]) -> None:
        self._serializer = serializer
        self._intercepted = intercepted

    def __call__(self, frame: Frame) -> Frame | AsInfo | None:
        """Return the frame for the clients, an info for their channels, or None for nothing."""
        if self._intercepted:
            broadcast = decode_broadcast(frame)
            if broadcast.event in self._intercepted:
                return AsInfo(Intercepted(broadcast))
        return self._serializer.broadcast(frame)


@final
class Broadcaster:
    """Broadcasts to topics, and has connections listen to them.

    Args:
        pubsub: carries the broadcasts.
    """

    __slots__ = ("_lanes", "_pubsub")

    def __init__(self, pubsub: PubSub[str | bytes]) -> None:
        self._pubsub = pubsub
        self._lanes: dict[tuple[Serializer, frozenset[str]], FastLane] = {}

    async def broadcast(
        self, topic: str, event: str, payload: Any, *, exclude: Ref[Any] | None = None
    ) -> None:
        """Send an event to all that have joined a topic, in all processes.

        Args:
            topic: the topic.
            event: its name; "disconnect" ends the connections with the id that the topic is.
            payload: a mapping, a struct or bytes; None is an empty mapping.
            exclude: does not get it.

        Raises:
            TypeError, ValueError: the payload cannot be sent, or the topic is none.
            BackendDown: other processes cannot be reached.
        """
        frame = encode_broadcast(topic, event, {} if payload is None else payload)
        if event == DISCONNECT:
            await self._pubsub.broadcast(ID_PREFIX + topic, frame)
        await self._pubsub.broadcast(TOPIC_PREFIX + topic, frame, exclude=exclude)

    def broadcast_soon(
        self, topic: str, event: str, payload: Any, *, exclude: Ref[Any] | None = None
    ) -> concurrent.futures.Future[None]:
        """Do the same without waiting, from any thread."""
        frame = encode_broadcast(topic, event, {} if payload is None else payload)
        if event == DISCONNECT:
            self._pubsub.broadcast_soon(ID_PREFIX + topic, frame)
        return self._pubsub.broadcast_soon(TOPIC_PREFIX + topic, frame, exclude=exclude)

    async def prepare(self, topic: str, connection: Ref[Any]) -> None:
        """Wait until what other processes broadcast to a topic comes here; it goes nowhere yet."""
        await self._pubsub.attach(TOPIC_PREFIX + topic, connection, encode=_drop)

    async def attach(
        self,
        topic: str,
        connection: Ref[Any],
        serializer: Serializer,
        intercepted: frozenset[str],
    ) -> None:
        """Have a connection get each broadcast to a topic from now on. Behind `prepare`.

        It does not suspend then, so a frame that is sent right behind it comes before the first
        broadcast.
        """
        if not intercepted and type(serializer) is V2:
            await self._pubsub.attach(TOPIC_PREFIX + topic, connection)
            return
        lane = self._lanes.get((serializer, intercepted))
        if lane is None:
            lane = self._lanes[serializer, intercepted] = FastLane(serializer, intercepted)
        await self._pubsub.attach(TOPIC_PREFIX + topic, connection, encode=lane)

    async def detach(self, topic: str, connection: Ref[Any]) -> None:
        """Have a connection get nothing more of a topic."""
        await self._pubsub.unsubscribe(TOPIC_PREFIX + topic, connection)

    async def listen_for_disconnect(self, name: str, connection: Ref[Any]) -> None:
        """Have a connection get an info `DISCONNECT` when all connections with its name end."""
        await self._pubsub.attach(ID_PREFIX + name, connection, encode=_disconnect)


def deliver(running: Running, topic: str, event: str, payload: Any) -> None:
    """Send an event to those of this event loop that have joined a topic, and to no others.

    Args:
        running: the pubsub in this event loop.
        topic: the topic.
        event: its name.
        payload: a mapping.
    """
    frame = encode_broadcast(topic, event, payload)
    assert isinstance(frame, str), "a mapping is sent as text"
    running.registry.deliver(TOPIC_PREFIX + topic, frame, TEXT, frame.encode())


def _drop(_frame: Frame) -> None:
    return None


def _disconnect(frame: Frame) -> AsInfo | None:
    return AsInfo(DISCONNECT) if decode_broadcast(frame).event == DISCONNECT else None
