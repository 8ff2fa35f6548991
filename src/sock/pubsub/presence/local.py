"""A Presence in one event loop: its connections, its watchers, its timers, and the way to others.

    a connection tracks ──→ replica ──→ roster ──→ watchers of this loop: State, then Diffs
                              │ ↑
             other loops of this process, and the PubSub's backend for other processes

All that happens in one turn of the loop is told to others, and to watchers, in one piece.
"""

from __future__ import annotations

import asyncio
import contextvars
import secrets
from math import inf
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.pubsub.registry import Registry
from sock.spec import Shutdown

from .change import State
from .message import NODE_SIZE, opener, packer
from .replica import Replica
from .roster import Roster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sock.pubsub.running import Running
    from sock.spec import Ref

    from .change import Present
    from .data import Data
    from .message import Said

BEATS: Final = 4
"""So often a process is heard within a lease, if nothing is lost."""

_QUIET: Final = 0.1
"""Seconds without an answer after which a process that begins waits for no more of them."""

_MAX_QUIET: Final = 1.0
"""Seconds for which it waits at most."""

_MAX_FAREWELL: Final = 1.0
"""Seconds for the backend to take what was said at last."""

_PAUSE: Final = 0.01
"""Seconds between two looks whether fan-outs have come on, or time has passed."""


@final
class Tracked:
    """The entries of one connection. Called when it is over.

    Args:
        local: that has them.
        ref: the address of the connection.
    """

    __slots__ = ("_local", "lingers", "numbers", "ref")

    def __init__(self, local: Local, ref: Ref[Any]) -> None:
        self._local = local
        self.ref = ref
        self.numbers: dict[tuple[str, str], int] = {}
        """The number of each entry, by topic and key."""
        self.lingers = False
        """Whether the connection has ended because its server stops."""

    def __call__(self) -> None:
        """Take all entries out: the connection is over."""
        self._local.discard(self)


@final
class Local:
    """A Presence in one event loop, which is the running one.

    Args:
        running: its PubSub in this loop.
        channel: the topic over which the presences of all processes speak.
        data: encodes and decodes what is known of an entry.
        linger: seconds for which entries stay when the server stops.
        lease: seconds for which another process may be silent.
        post: gives a message to the other loops of this process.
    """

    def __init__(
        self,
        running: Running,
        channel: str,
        data: Data,
        linger: float,
        lease: float,
        post: Callable[[Local, bytes | None, Said], bool],
    ) -> None:
        self.running = running
        self.loop = running.loop
        self.name = secrets.token_bytes(NODE_SIZE)
        self.watchers = Registry(self.loop)
        self.roster = Roster(self.watchers.topics.__contains__, self._flush_soon)
        self._channel = channel
        self._linger = linger
        self._interval = lease / BEATS
        self._post = post
        self._replica = Replica(self.name, self.roster, data, self._send, self._reject, lease)
        self._tracked: dict[Ref[Any], Tracked] = {}
        self._by_request: dict[int, Tracked] = {}
        self._flushing: asyncio.Handle | None = None
        self._beating: asyncio.TimerHandle | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._look_at = inf
        self._heard = self._next_beat = self.loop.time()
        self._given: set[asyncio.Future[None]] = set()  # said, and not at the backend yet
        self._is_heard = False
        self._ended = False
        # These belong to no connection, so they see no connection's context variables.
        self._context = contextvars.Context()
        if running.reaches_others:
            self._pack, self._opened = packer(), opener()
        self._stop_listening: Callable[[], None] = _nothing
        if linger:
            self._stop_listening = telemetry.subscribe(self._note_shutdown)
        self._begun = self.loop.create_task(self._begin(), context=self._context)

    async def begun(self) -> None:
        """Wait until other processes have had the time to say who is there.

        Raises:
            ValueError: the PubSub has another Presence of the same name.
        """
        if not self._begun.done():
            await asyncio.wait({self._begun})
        self._begun.result()

    async def _begin(self) -> None:
        running = self.running
        await running.hear_presences(self._channel, self._received)
        self._is_heard = True
        running.call_when_ending(self.end)
        running.count_entries(self._channel, self._replica.own_count)
        if not running.reaches_others:
            self._replica.begin()
            return
        await running.hear_presences(self._inbox(self.name), self._received)
        self._replica.begin()
        self._beat()
        last = self._heard + _MAX_QUIET
        while self.loop.time() < min(self._heard + _QUIET, last) and running.is_up:  # noqa: ASYNC110 - it waits for time without an event
            await asyncio.sleep(_PAUSE)

    async def end(self) -> None:
        """Take all entries out, tell the others, and do nothing more."""
        if self._ended:
            return
        self._ended = True
        self._begun.cancel()
        self._stop_listening()
        self._tracked.clear()
        self._by_request.clear()
        self._replica.end(self._linger, self.loop.time())
        self._flush()
        for timer in (self._beating, self._looking, self._flushing):
            if timer is not None:
                timer.cancel()
        running = self.running
        if self._given and running.is_up:
            await asyncio.wait(self._given, timeout=_MAX_FAREWELL)
        running.call_no_more(self.end)
        if self._is_heard:  # else it is another one's
            running.forget_presences(self._channel)
        running.forget_presences(self._inbox(self.name))

    # The connections of this loop.

    def track(self, topic: str, ref: Ref[Any], key: str, raw: bytes) -> str:
        """Add an entry of a connection, in place of the one under the same key if there is one."""
        tracked = self._tracked.get(ref)
        if tracked is None:
            tracked = Tracked(self, ref)
            ref.add_done_callback(tracked)
            self._tracked[ref] = tracked
            if self._linger:
                self._by_request[id(ref.request)] = tracked
        before = tracked.numbers.get((topic, key))
        number = self._replica.join(topic, key, raw)
        tracked.numbers[topic, key] = number
        if before is not None:
            self._replica.leave(before, 0, 0)
        self._flush_soon()
        return f"{self.name.hex()}-{number:x}"

    def tracks(self, topic: str, ref: Ref[Any], key: str) -> bool:
        """Tell whether a connection has an entry."""
        tracked = self._tracked.get(ref)
        return tracked is not None and (topic, key) in tracked.numbers

    def untrack(self, topic: str, ref: Ref[Any], key: str | None) -> None:
        """Take the entries of a connection out of a topic: one of them, or all."""
        tracked = self._tracked.get(ref)
        if tracked is not None:
            for place in list(tracked.numbers):
                if place[0] == topic and key in {None, place[1]}:
                    self._replica.leave(tracked.numbers.pop(place), 0, 0)
            self._flush_soon()

    def discard(self, tracked: Tracked) -> None:
        """Take out all entries of a connection that is over."""
        if self._tracked.pop(tracked.ref, None) is None:
            return  # all has ended before
        if self._linger:
            self._by_request.pop(id(tracked.ref.request), None)
        now = self.loop.time()
        for number in tracked.numbers.values():
            self._replica.leave(number, self._linger if tracked.lingers else 0, now)
        self._flush_soon()

    def _note_shutdown(self, event: str, fields: Mapping[str, Any]) -> None:
        """Note which connections end because their server stops: a moment before they are over."""
        if event == "connection.closed" and isinstance(fields["reason"], Shutdown):
            tracked = self._by_request.get(id(fields["request"]))
            if tracked is not None:
                tracked.lingers = True

    # Those who watch.

    def watch(self, topic: str, ref: Ref[Any]) -> None:
        """Send a connection the State, and then each Diff."""
        self._flush()
        state: State[Any] = State(topic, self.roster.present(topic))
        self.watchers.subscribe_with(topic, ref, state)

    def present(self, topic: str) -> Present[Any]:
        """Return the entries under each key of a topic."""
        return self.roster.present(topic)

    def _flush_soon(self) -> None:
        if self._flushing is None:
            self._flushing = self.loop.call_soon(self._flush, context=self._context)

    def _flush(self) -> None:
        """Tell the other processes and the watchers what has changed."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        self._replica.flush()
        if self.watchers.behind:
            self._flushing = self.loop.call_later(_PAUSE, self._flush, context=self._context)
            return
        for diff in self.roster.taken_diffs():
            self.watchers.tell(diff.topic, diff)
        self._look_in_time()

    # Time.

    def _beat(self) -> None:
        """Say that this process is still there, and go on doing so."""
        now = self.loop.time()
        late = now - self._next_beat
        if late > self._interval:
            # This process was held up or stopped. What others have said meanwhile is still unread.
            self._replica.forgive(late)
        if self.running.is_up:
            self._replica.beat()
        self._next_beat = now + self._interval
        self._beating = self.loop.call_at(self._next_beat, self._beat, context=self._context)

    def _look_in_time(self) -> None:
        """Look when the first of what is to leave at a time has had it."""
        if self._replica.due < self._look_at:
            if self._looking is not None:
                self._looking.cancel()
            self._look_at = max(self._replica.due, self.loop.time() + _PAUSE)
            self._looking = self.loop.call_at(self._look_at, self._look, context=self._context)

    def _look(self) -> None:
        self._looking, self._look_at = None, inf
        self._replica.expire(self.loop.time())
        self._flush()

    # Other loops and processes.

    def _inbox(self, name: bytes) -> str:
        return f"{self._channel}/{name.hex()}"

    def _send(self, to: bytes | None, said: Said) -> None:
        delivered = self._post(self, to, said)
        if self.running.reaches_others and not delivered:
            topic = self._channel if to is None else self._inbox(to)
            given = self.running.say(topic, self._pack(said))
            if given is not None:
                self._given.add(given)
                given.add_done_callback(self._given.discard)

    def _received(self, data: bytes) -> None:
        try:
            said = self._opened(data)
        except ValueError as error:
            self._reject(error)
            return
        self.take(said)

    def take(self, said: Said) -> None:
        """Take what the presence of another process or loop says."""
        if self._ended:
            return
        self._heard = self.loop.time()
        self._replica.take(said, self._heard)
        if self._beating is None and self._begun.done():
            self._beat()  # there is somebody who wants to know
        self._flush_soon()

    def _reject(self, error: Exception) -> None:
        self.running.reject(self._channel, error)


def _nothing() -> None:
    pass
