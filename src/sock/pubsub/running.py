"""A PubSub in one event loop: its registry, its backend, and what lies between them.

to others     a message ─→ registry (the own connections), then envelope ─→ backend
from others   backend ─→ envelope, its order ─→ a message ─→ registry

what comes from the backend                what is done
-----------------------------------------  ------------------------------------------------
an own message that comes back             dropped
a message for which nobody is here         dropped
what a Presence says to another one        is given to it
no envelope, or of another version         dropped, counted, told once
a payload of another type                  dropped, counted, told once
a message that came before                 dropped
a message behind a hole                    first a Gap, then the message
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import secrets
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry

from .backends.together import cancelled
from .envelope import VERSION, Envelope, coder, opened
from .gap import BackendDown
from .heard import Heard, Order
from .payload import PRESENCE
from .registry import Registry
from .traffic import TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container

    from sock.spec import Ref

    from .backends.backend import Backend
    from .payload import Payloads

_LINGER: Final = 1.0
"""Seconds for which a topic stays subscribed at the backend when nobody here listens any more."""

_MAX_SEQUENCES: Final = 65536
"""Topics whose sequence is remembered; the one that was silent longest begins again at 1."""


@final
class Running:
    """A PubSub in one event loop, which is the running one.

    Args:
        url: of the backend, for events.
        payloads: encodes and decodes messages.
        backend: carries messages to other processes; None if there are none.
        own: the senders of this process.
    """

    def __init__(
        self, url: str, payloads: Payloads, backend: Backend | None, own: Container[bytes]
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.registry = Registry(self.loop, None if backend is None else self._emptied)
        self.sender = secrets.token_bytes(8)
        self.rejected = 0
        """How many messages of other processes were dropped because they could not be read."""
        self.is_up = backend is None
        """Whether the backend reaches the other processes."""
        self.error: Exception | None = None
        """Why it does not."""
        self._url = url
        self._payloads = payloads
        self._backend = backend
        self._own = own
        self._sequences: dict[str, int] = {}
        self._subscribing: dict[str, asyncio.Task[None]] = {}
        self._emptied_at: dict[str, float] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._presences: dict[str, Callable[[bytes], None]] = {}
        self._entry_counts: dict[str, Callable[[], int]] = {}
        self._ending: set[Callable[[], Awaitable[None]]] = set()
        self._begun = asyncio.Event()
        # These belong to no connection, so they see no connection's context variables.
        self._context = contextvars.Context()
        self._task: asyncio.Task[None] | None = None
        telemetry.emit("pubsub.began", url=url, running=self, traffic=TRAFFIC)
        if backend is None:
            self._begun.set()
        else:
            self._coder = coder()
            self._task = self.loop.create_task(
                self._run(backend), name=f"sock-pubsub {url}", context=self._context
            )

    @property
    def has_begun(self) -> bool:
        """Whether the backend has made its first attempt to reach the others."""
        return self._begun.is_set()

    @property
    def has_ended(self) -> bool:
        """Whether the backend has given up, because of `error`."""
        return self._task is not None and self._task.done()

    @property
    def topic_count(self) -> int:
        """How many topics somebody here listens to."""
        return len(self.registry.topics)

    @property
    def listener_count(self) -> int:
        """How many connections listen to some topic."""
        return self.registry.listener_count

    @property
    def entry_count(self) -> int:
        """How many entries connections of this loop have in some Presence."""
        return sum(count() for count in list(self._entry_counts.values()))

    async def begin(self) -> None:
        """Wait until the backend has made its first attempt to reach the others."""
        await self._begun.wait()

    async def stop(self) -> None:
        """Let go of the backend."""
        for ending in tuple(self._ending):
            await ending()
        if self._sweep is not None:
            self._sweep.cancel()
        if self._task is not None:
            await cancelled(self._task)
        self.forget()

    def forget(self) -> None:
        """Tell that this has ended, also where its event loop has closed before."""
        telemetry.emit("pubsub.ended", url=self._url, running=self)

    # Who listens.

    async def subscribe_at_backend(self, topic: str) -> None:
        """Wait until the messages of other processes come, too."""
        backend = self._backend
        if backend is None:
            return
        self._emptied_at.pop(topic, None)
        subscribing = self._subscribing.get(topic)
        if subscribing is None:
            subscribing = self._subscribing[topic] = self.loop.create_task(
                _coroutine(backend, topic), context=self._context
            )
        if not subscribing.done():
            await asyncio.wait({subscribing})
        subscribing.result()

    def _emptied(self, topic: str) -> None:
        self._emptied_at[topic] = self.loop.time() + _LINGER
        if self._sweep is None:
            self._sweep = self.loop.call_later(_LINGER, self._let_go, context=self._context)

    def _let_go(self) -> None:
        """Unsubscribe from the topics to which nobody has listened for a while."""
        now = self.loop.time()
        self._sweep = None
        for topic, when in list(self._emptied_at.items()):
            if when > now + _LINGER / 10:
                self._sweep = self.loop.call_at(when, self._let_go, context=self._context)
                return
            del self._emptied_at[topic]
            if topic in self._presences:
                continue
            subscribing = self._subscribing.pop(topic, None)
            if self._backend is not None and subscribing is not None:
                self._backend.unsubscribe(topic)

    # To others.

    def publish(
        self, topic: str, message: Any, kind: int, payload: bytes, exclude: Ref[Any] | None
    ) -> asyncio.Future[None] | None:
        """Send a message to the connections of this loop, and give it to the backend.

        Returns:
            What tells that the backend has it; None if it has it already.

        Raises:
            BackendDown: the backend cannot take it.
        """
        TRAFFIC.published += 1
        self.registry.deliver(topic, message, kind, payload, exclude)
        if self._backend is None:
            return None
        sequence = self._sequences.pop(topic, 0) + 1
        self._sequences[topic] = sequence
        if len(self._sequences) > _MAX_SEQUENCES:
            del self._sequences[next(iter(self._sequences))]
        envelope = Envelope(VERSION, self.sender, sequence, topic, kind, payload)
        return self._backend.publish(topic, self._coder.encode(envelope))

    # For Presence, which speaks with those of other processes over topics of its own.

    @property
    def reaches_others(self) -> bool:
        """Whether there may be other processes."""
        return self._backend is not None

    async def hear_presences(self, topic: str, take: Callable[[bytes], None]) -> None:
        """Give what presences of other processes say on a topic to a function, from now on.

        Raises:
            ValueError: another one has it already.
        """
        if topic in self._presences:
            raise ValueError(f"there is another Presence on this PubSub, with the topic {topic!r}")
        self._presences[topic] = take
        await self.subscribe_at_backend(topic)

    def forget_presences(self, topic: str) -> None:
        """Give that to nobody any more. Nothing happens if nobody has it."""
        self._entry_counts.pop(topic, None)
        if self._presences.pop(topic, None) is not None and topic not in self.registry.topics:
            self._emptied(topic)

    def count_entries(self, topic: str, count: Callable[[], int]) -> None:
        """Ask a Presence how many entries it has here, by a function, while it has its topic."""
        self._entry_counts[topic] = count

    def call_when_ending(self, ending: Callable[[], Awaitable[None]]) -> None:
        """Call a function before the backend is let go."""
        self._ending.add(ending)

    def call_no_more(self, ending: Callable[[], Awaitable[None]]) -> None:
        """Forget a function that was to be called."""
        self._ending.discard(ending)

    def say(self, topic: str, data: bytes) -> asyncio.Future[None] | None:
        """Send what a Presence says. If it is lost, the others find that out by themselves.

        Returns:
            What tells that the backend has it; None if it has it, or will not.
        """
        assert self._backend is not None, "there are others"
        envelope = Envelope(VERSION, self.sender, 0, topic, PRESENCE, data)
        given = None
        with contextlib.suppress(BackendDown):
            given = self._backend.publish(topic, self._coder.encode(envelope))
        return given

    # From others: this is the receiver of the backend.

    @property
    def behind(self) -> bool:
        """Whether so many fan-outs wait that nothing more should be sent."""
        return self.registry.behind

    def begun(self) -> None:
        """Let those go on who wait for the beginning."""
        self._begun.set()

    def refused(self, topic: str, error: Exception) -> None:
        """Tell that nobody here may listen to a topic."""
        telemetry.emit("pubsub.refused", url=self._url, topic=topic, error=error)

    def connected(self) -> None:
        """Tell that the others are reached."""
        self.is_up, self.error = True, None
        telemetry.emit("pubsub.connected", url=self._url)
        self.begun()

    def down(self, error: Exception, retry: float) -> None:
        """Tell that the others are not reached."""
        first = self.error is None
        self.is_up, self.error = False, error
        if first:
            telemetry.emit("pubsub.down", url=self._url, error=error, seconds=retry)
        self.begun()

    def gap(self, topic: str | None = None) -> None:
        """Tell those who asked for it that messages may have been lost."""
        self.registry.tell_gap(topic)

    def received(self, topic: str, data: bytes) -> None:
        """Take what another process has published."""
        try:
            envelope = opened(self._coder, data)
        except ValueError as error:
            self.reject(topic, error)
            return
        if envelope.sender in self._own:
            return
        if envelope.kind == PRESENCE and envelope.topic in self._presences:
            self._presences[envelope.topic](envelope.payload)
            return
        here = self.registry.topics.get(envelope.topic)
        if here is None:
            return
        if here.heard is None:
            here.heard = Heard()
        order = here.heard.order(envelope.sender, envelope.sequence)
        if order is Order.REPEATED:
            return
        if order is Order.HOLE:
            self.registry.tell_gap(envelope.topic, is_hole=True)
        try:
            message = self._payloads.decode(envelope.kind, envelope.payload)
        except ValueError as error:
            self.reject(topic, error)
            return
        TRAFFIC.received += 1
        self.registry.deliver(envelope.topic, message, envelope.kind, envelope.payload)

    def reject(self, topic: str, error: Exception) -> None:
        """Count and tell what cannot be read."""
        self.rejected += 1
        telemetry.emit(
            "pubsub.rejected", url=self._url, topic=topic, error=error, count=self.rejected
        )

    async def _run(self, backend: Backend) -> None:
        try:
            await backend.run(self)
        except Exception as error:  # noqa: BLE001 - those who wait are told, and nobody is held up
            self.down(error, 0.0)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread; None if none does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _coroutine(backend: Backend, topic: str) -> None:
    await backend.subscribe(topic)
