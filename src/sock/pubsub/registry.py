"""Which connections of one event loop listen to a topic, and the fan-out of its messages to them.

    asked with  the connection gets                                  by
    ----------  ---------------------------------------------------  ----------
    subscribe   each message as an info, and Gap if it asked for it  `send_all`
    attach      each message as a frame that its peer is to see      `push_all`

A connection is in a topic once: what was asked for last counts. It leaves all topics when it is
over. A fan-out goes in slices: after `MAX_HOLD` seconds the rest waits for the next turn of the
loop, and so does every message that comes behind it. So no message overtakes another one.
"""

from __future__ import annotations

import contextvars
import time
from collections import deque
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.live.ref import push_all, send_all
from sock.spec import Prepared

from .gap import Gap
from .payload import AsInfo, whole

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator, Iterable, Iterator

    from sock.spec import Ref

    from .heard import Heard
    from .payload import Encoded

    Encode = Callable[[Any], Encoded]
    Steps = Generator[None, None, None]

MAX_HOLD: Final = 0.005
"""Seconds for which fan-outs may hold the event loop before others get their turn."""

_SLICE: Final = 256
"""Connections between two looks at the clock."""

_FINISHED: Final = object()

MAX_WAITING: Final = 256
"""Fan-outs that may wait before those who broadcast have to wait too."""


@final
class Topic:
    """The connections that listen to one topic.

    Args:
        name: of the topic.
    """

    __slots__ = ("_encoders", "attached", "heard", "left", "name", "steps", "subscribed")

    def __init__(self, name: str) -> None:
        self.name = name
        self.subscribed: dict[Ref[Any], bool] = {}
        """Those who get infos; True for those who get gaps too."""
        self.attached: dict[Ref[Any], Encode | None] = {}
        """Those whose peers get whole messages, with the function that makes these from a message;
        None where it is sent as it is."""
        self.steps: deque[Steps] | None = None
        """The fan-outs that are not finished, in their order."""
        self.heard: Heard | None = None
        """What other processes have sent; made with the first message of one."""
        self.left = 0
        """How often a connection has left."""
        self._encoders = 0

    def __len__(self) -> int:
        return len(self.subscribed) + len(self.attached)

    def discard(self, ref: Ref[Any]) -> None:
        """Forget a connection."""
        self.left += 1
        if self.subscribed.pop(ref, None) is None:
            self._encoders -= self.attached.pop(ref, None) is not None

    def attach(self, ref: Ref[Any], encode: Encode | None) -> None:
        """Note a connection whose peer gets whole messages."""
        self.attached[ref] = encode
        self._encoders += encode is not None

    def groups(self) -> Iterable[tuple[Encode | None, Iterable[Ref[Any]]]]:
        """Return the attached connections by the function that makes their message."""
        if not self._encoders:
            return ((None, self.attached),)
        groups: dict[Any, tuple[Encode | None, list[Ref[Any]]]] = {}
        for ref, encode in self.attached.items():
            groups.setdefault(_identity(encode), (encode, []))[1].append(ref)
        return groups.values()


@final
class Listener:
    """The topics of one connection. It is called when the connection is over, and leaves them all.

    Args:
        registry: of the topics.
        ref: the address of the connection.
        topic: its first one.
    """

    __slots__ = ("_ref", "_registry", "topics")

    def __init__(self, registry: Registry, ref: Ref[Any], topic: str) -> None:
        self._registry = registry
        self._ref = ref
        # Most connections listen to one topic, and need no set. An empty set keeps its memory, an
        # empty tuple has none.
        self.topics: str | set[str] | tuple[()] = topic

    def __contains__(self, name: str) -> bool:
        topics = self.topics
        return topics == name if isinstance(topics, str) else name in topics

    def __call__(self) -> None:
        """Leave all topics: the connection is over."""
        self._registry.discard_listener(self._ref)


@final
class Registry:
    """The topics of one event loop, to which some connection listens.

    Args:
        loop: of all these connections.
        emptied: is called with a topic to which nobody listens any more.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, emptied: Callable[[str], None] | None = None
    ) -> None:
        self.topics: dict[str, Topic] = {}
        self._listeners: dict[Ref[Any], Listener] = {}
        self._loop = loop
        self._emptied = emptied
        self._busy: deque[Topic] = deque()  # those with unfinished fan-outs
        self._scheduled = False
        self._waiting = 0
        # Turns belong to no connection, so they see no connection's context variables.
        self._context = contextvars.Context()

    @property
    def behind(self) -> bool:
        """Whether so many fan-outs wait that nothing more should be sent."""
        return self._waiting >= MAX_WAITING

    @property
    def listener_count(self) -> int:
        """How many connections listen to some topic."""
        return len(self._listeners)

    def subscribe(self, name: str, ref: Ref[Any], *, gaps: bool) -> None:
        """Have a connection get each message of a topic as an info."""
        topic = self._enter(name, ref)
        topic.subscribed[ref] = gaps

    def attach(self, name: str, ref: Ref[Any], encode: Encode | None) -> None:
        """Have the peer of a connection get each message of a topic."""
        self._enter(name, ref).attach(ref, encode)

    def subscribe_with(self, name: str, ref: Ref[Any], info: Any) -> None:
        """Send a connection an info, and then each message of a topic that comes from now on."""
        topic = self._enter(name, ref)
        self._begin(topic, self._admit(topic, ref, info))

    def discard(self, name: str, ref: Ref[Any]) -> None:
        """Take a connection out of a topic. Nothing happens if it is not in it."""
        listener = self._listeners.get(ref)
        if listener is None:
            return
        topics = listener.topics
        if topics == name:
            listener.topics = ()
        elif isinstance(topics, set) and name in topics:
            topics.remove(name)
            listener.topics = topics or ()
        else:
            return
        self._leave(name, ref)

    def discard_listener(self, ref: Ref[Any]) -> None:
        """Take a connection out of all its topics."""
        listener = self._listeners.pop(ref, None)
        if listener is not None:
            topics = listener.topics
            for name in (topics,) if isinstance(topics, str) else topics:
                self._leave(name, ref)

    def refs(self, name: str) -> tuple[Ref[Any], ...]:
        """Return who listens to a topic."""
        topic = self.topics.get(name)
        return () if topic is None else (*topic.subscribed, *topic.attached)

    def deliver(
        self,
        name: str,
        message: Any,
        kind: int,
        payload: bytes,
        exclude: Ref[Any] | None = None,
    ) -> None:
        """Send a message to all that listen to its topic, in slices.

        Args:
            name: of the topic.
            message: as a handler gets it.
            kind: of the payload.
            payload: the message as bytes.
            exclude: does not get it.
        """
        topic = self.topics.get(name)
        if topic is not None:
            self._begin(topic, self._fan_out(topic, message, kind, payload, exclude))

    def tell(self, name: str, info: Any) -> None:
        """Send an info to all that have subscribed to a topic, in slices."""
        topic = self.topics.get(name)
        if topic is not None:
            self._begin(topic, self._tell_all(topic, info))

    def tell_gap(self, name: str | None = None, *, is_hole: bool = False) -> None:
        """Tell those who asked for it that messages may have been lost.

        Args:
            name: of the topic; None for all.
            is_hole: whether `Heard` has noticed it, and not the backend.
        """
        names = list(self.topics) if name is None else [name]
        for one in names:
            topic = self.topics.get(one)
            if topic is not None:
                telemetry.emit("pubsub.gap", topic=one)
                if topic.heard is not None and not is_hole:
                    topic.heard.told()
                if any(topic.subscribed.values()):
                    self._begin(topic, self._gaps(topic))

    # Who listens.

    def _enter(self, name: str, ref: Ref[Any]) -> Topic:
        listener = self._listeners.get(ref)
        if listener is None:
            listener = Listener(self, ref, name)
            ref.add_done_callback(listener)
            self._listeners[ref] = listener
        elif isinstance(listener.topics, set):
            listener.topics.add(name)
        elif not listener.topics:
            listener.topics = name
        elif listener.topics != name:
            listener.topics = {listener.topics, name}
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(name)
        else:
            topic.discard(ref)  # it may have asked for the other way
        return topic

    def _leave(self, name: str, ref: Ref[Any]) -> None:
        topic = self.topics[name]
        topic.discard(ref)
        self._forget_if_empty(topic)

    def _forget_if_empty(self, topic: Topic) -> None:
        """Forget a topic without connections, unless one may still enter it behind its fan-outs."""
        if not topic and topic.steps is None:
            del self.topics[topic.name]
            if self._emptied is not None:
                self._emptied(topic.name)

    # Fan-outs.

    def _begin(self, topic: Topic, steps: Steps) -> None:
        if topic.steps is None:
            topic.steps = deque()
            self._busy.append(topic)
        topic.steps.append(steps)
        self._waiting += 1
        if not self._scheduled:
            self._scheduled = True  # what an `encode` broadcasts in the meantime waits
            self._go_on()

    def _go_on(self) -> None:
        """Go on with the fan-outs, one slice of each topic after the other."""
        deadline = time.perf_counter() + MAX_HOLD
        while self._busy:
            topic = self._busy.popleft()
            assert topic.steps, "a busy topic has fan-outs"
            if next(topic.steps[0], _FINISHED) is _FINISHED:
                topic.steps.popleft()
                self._waiting -= 1
            if topic.steps:
                self._busy.append(topic)
            else:
                topic.steps = None
                self._forget_if_empty(topic)
            if self._busy and time.perf_counter() >= deadline:
                self._loop.call_soon(self._go_on, context=self._context)
                return
        self._scheduled = False

    def _fan_out(
        self, topic: Topic, message: Any, kind: int, payload: bytes, exclude: Ref[Any] | None
    ) -> Steps:
        yield from self._slices(topic, topic.subscribed, exclude, send_all, message)
        if not topic.attached:
            return
        for encode, refs in topic.groups():
            try:
                made = whole(kind, payload) if encode is None else _made(encode(message))
            except Exception as error:  # noqa: BLE001 - encode may raise anything
                telemetry.emit("pubsub.failed", topic=topic.name, error=error)
                continue
            if isinstance(made, AsInfo):
                yield from self._slices(topic, refs, exclude, send_all, made.info)
            elif made is not None:
                yield from self._slices(topic, refs, exclude, push_all, made)

    def _admit(self, topic: Topic, ref: Ref[Any], info: Any) -> Steps:
        send_all((ref,), info)
        listener = self._listeners.get(ref)
        if listener is not None and topic.name in listener:  # else it has left meanwhile
            topic.subscribed[ref] = False
        yield from ()

    def _tell_all(self, topic: Topic, info: Any) -> Steps:
        yield from self._slices(topic, topic.subscribed, None, send_all, info)

    def _gaps(self, topic: Topic) -> Steps:
        asked = [ref for ref, gaps in topic.subscribed.items() if gaps]
        yield from self._slices(topic, asked, None, send_all, Gap(topic.name))

    def _slices(
        self,
        topic: Topic,
        refs: Iterable[Ref[Any]],
        exclude: Ref[Any] | None,
        send: Callable[[Iterable[Ref[Any]], Any], None],
        info: Any,
    ) -> Iterator[None]:
        everybody = tuple(refs)
        if exclude is not None and exclude in everybody:
            at = everybody.index(exclude)
            everybody = everybody[:at] + everybody[at + 1 :]
        left = topic.left
        for begin in range(0, len(everybody), _SLICE):
            some: Iterable[Ref[Any]] = everybody[begin : begin + _SLICE]
            if topic.left != left:  # somebody has left since the first slice
                here = (topic.subscribed, topic.attached)
                some = [ref for ref in some if ref in here[0] or ref in here[1]]
            send(some, info)
            yield


def _made(encoded: Encoded) -> Prepared | AsInfo | None:
    return encoded if encoded is None or isinstance(encoded, AsInfo) else Prepared(encoded)


def _identity(encode: Encode | None) -> object:
    """Return what is equal for two functions that do the same.

    Each evaluation of a lambda makes another function. If it refers to nothing of its surroundings,
    its code says all.
    """
    if type(encode) is not FunctionType:
        return encode
    own = encode.__closure__ or encode.__defaults__ or encode.__kwdefaults__
    return encode if own else encode.__code__
