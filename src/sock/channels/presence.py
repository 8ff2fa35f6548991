"""Who is here, in the shape that the clients of Phoenix know; `sock.pubsub.Presence` is behind it.

    a client gets    when                                         payload
    ---------------  -------------------------------------------  ------------------------------
    presence_state   its channel pushes it, after each join       {key: {"metas": [meta, …], …}}
    presence_diff    somebody has come, has changed, or has left  {"joins": …, "leaves": …}

A meta is what was tracked, with its name as "phx_ref". In each process, one follower of a topic
keeps the state, and sends each diff to the channels of that process, encoded once. The state is
that of the last diff that was sent: so who gets the state, and then each diff, knows what is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, cast, final

from sock import telemetry
from sock.pubsub import Presence as Tracker
from sock.pubsub import State

from .broadcaster import deliver

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from sock.pubsub import Diff, Meta, PubSub
    from sock.pubsub.running import Running
    from sock.spec import Ref

    from .channel import Channel
    from .channel_ref import ChannelRef

Presences: TypeAlias = dict[str, dict[str, Any]]
"""Who is here: under each key, its "metas", and what `fetch` has added."""

STATE: Final = "presence_state"
DIFF: Final = "presence_diff"

if TYPE_CHECKING:
    Fetch: TypeAlias = Callable[[str, Presences], Presences | Awaitable[Presences]]
    """Adds to presences what a database knows, and returns them."""


@final
class Presence:
    """Who is here, for the clients of channels.

    Make one for the whole program, as the PubSub. A channel that tracks, or pushes the state, has
    every diff of its topic sent to its client, as long as it is joined.

    Args:
        pubsub: that of the endpoint.
        fetch: gets a topic and presences, and returns them with more fields beside "metas", such as
            a name for each key. Called once for a state, and once for the joins and the leaves of a
            diff each, for all clients of this process. A function or a coroutine.
        name: tells apart two of them on one PubSub.
        linger: seconds for which the last entry of a key stays when the server of its connection
            stops; so nobody seems to leave in a rolling deploy.
        lease: seconds for which another process may be silent; the same in all processes.

    Raises:
        ValueError: a number is out of range.

    >>> from sock.pubsub import PubSub
    >>> Presence(PubSub("memory:")).state("room:1")
    {}
    """

    def __init__(
        self,
        pubsub: PubSub[str | bytes],
        *,
        fetch: Fetch | None = None,
        name: str = "",
        linger: float = 0.0,
        lease: float = 10.0,
    ) -> None:
        self._pubsub = pubsub
        self._fetch = fetch
        self._tracker: Tracker[Any] = Tracker(pubsub, name=name, linger=linger, lease=lease)
        self._followers: dict[tuple[asyncio.AbstractEventLoop, str], Follower] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: dict[tuple[str, Ref[Any]], asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Begin in the running event loop."""
        await self._tracker.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End in the running event loop."""
        await self._tracker.__aexit__()

    async def track(self, channel: Channel, key: object, meta: Any = None) -> str:
        """Add an entry for a channel, until that ends.

        A channel has one entry under a key; a second one takes the place of the first. Several
        tabs of a user are several entries under one key.

        Args:
            channel: has joined.
            key: who is here; it becomes a `str`.
            meta: a mapping, of which clients are told.

        Returns:
            The name of the entry, which clients see as "phx_ref".

        Raises:
            ValueError: key or meta is too large.
        """
        await self._follow(channel)
        connection = channel.ref.connection
        # The entries of an older channel of the same topic and connection leave first.
        leaving = self._leaving.get((channel.topic, connection))
        if leaving is not None:
            await asyncio.wait({leaving})
        return await self._tracker.track(channel.topic, connection, key=str(key), meta=meta or {})

    async def update(self, channel: Channel, key: object, meta: Any) -> str:
        """Change what clients are told of an entry.

        Raises:
            LookupError: the channel has no entry under this key.
            ValueError: the meta is too large.
        """
        connection = channel.ref.connection
        return await self._tracker.update(channel.topic, connection, key=str(key), meta=meta)

    async def untrack(self, channel: Channel, key: object = None) -> None:
        """Take an entry of a channel out, or all of its entries. Nothing happens without one."""
        named = None if key is None else str(key)
        await self._tracker.untrack(channel.topic, channel.ref.connection, key=named)

    def state(self, topic: str) -> Presences:
        """Return who is here, as the last diff has left it.

        It is known for the topics of channels that have tracked or pushed a state in this process;
        for others it is empty. It must not be changed.
        """
        for (loop, followed), follower in list(self._followers.items()):
            if followed == topic and not loop.is_closed():
                return follower.state
        return {}

    async def push_state(self, channel: Channel) -> None:
        """Push the state to the client of a channel; from then on it gets each diff."""
        await self._follow(channel)
        channel.push(STATE, self.state(channel.topic))

    async def _follow(self, channel: Channel) -> None:
        loop = asyncio.get_running_loop()
        place = (loop, channel.topic)
        follower = self._followers.get(place)
        if follower is None:
            running = await self._pubsub.begun()
            follower = self._followers.setdefault(
                place, Follower(channel.topic, running, self._fetch)
            )
        ref = channel.ref
        if ref.closed:
            return
        if ref not in follower.channels:
            follower.channels.add(ref)
            ref.add_done_callback(partial(self._let_go, follower, ref))
        if not follower.begun:
            follower.begun = True
            await self._tracker.watch(channel.topic, cast("Any", follower))
        await follower.ready.wait()

    def _let_go(self, follower: Follower, ref: ChannelRef) -> None:
        """A channel has ended: its entries leave, and the last one lets the topic go."""
        follower.channels.discard(ref)
        topic, loop = follower.topic, asyncio.get_running_loop()
        if not ref.connection.closed:  # if it is, the tracker sees its end, and why it has come
            place = (topic, ref.connection)
            leaving = self._leaving[place] = self._run(self._tracker.untrack(*place))
            leaving.add_done_callback(lambda _: self._leaving.pop(place, None))
        if not follower.channels:
            self._followers.pop((loop, topic), None)
            self._run(self._tracker.unwatch(topic, cast("Any", follower)))

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


@final
class Follower:
    """Keeps the state of a topic in one event loop, and sends its diffs to the channels there.

    For the tracker it is a watcher, as a `Ref` is.

    Args:
        topic: the topic.
        running: the PubSub in this event loop.
        fetch: adds to presences; None for nothing.
    """

    def __init__(self, topic: str, running: Running, fetch: Fetch | None) -> None:
        self.topic = topic
        self.state: Presences = {}
        """Who is here, as the last diff has left it."""
        self.channels: set[ChannelRef] = set()
        """The channels for which it is kept."""
        self.begun = False
        """Whether the tracker was asked for what happens."""
        self.ready = asyncio.Event()
        """Whether the first state has come."""
        self._running = running
        self._fetch = fetch
        self._told: deque[State[Any] | Diff[Any]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Do nothing: it never ends before it is unwatched."""

    def send(self, told: State[Any] | Diff[Any], /) -> None:
        """Take what the tracker tells: the state first, then each diff."""
        self._told.append(told)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        """Carry out what was told, in order; `fetch` may take its time."""
        while self._told:
            told = self._told.popleft()
            if isinstance(told, State):
                self.state = await self._fetched(shaped(told.present))
                self.ready.set()
                continue
            joins = await self._fetched(shaped(told.joins, told.leaves))
            leaves = await self._fetched(shaped(told.leaves))
            self.state = merged(self.state, joins, leaves)
            deliver(self._running, self.topic, DIFF, {"joins": joins, "leaves": leaves})
        self._task = None

    async def _fetched(self, presences: Presences) -> Presences:
        if self._fetch is None or not presences:
            return presences
        try:
            fetched = self._fetch(self.topic, presences)
            return await fetched if isinstance(fetched, Awaitable) else fetched
        except Exception as error:  # noqa: BLE001 - clients get what is known without it
            telemetry.emit("presence.failed", topic=self.topic, error=error)
            return presences


def shaped(
    present: Mapping[str, list[Meta[Any]]], leaves: Mapping[str, list[Meta[Any]]] | None = None
) -> Presences:
    """Return entries in the shape that clients know.

    Args:
        present: the entries under each key.
        leaves: those that leave in the same diff. If one entry takes the place of one, the new one
            names the old one as its "phx_ref_prev".
    """
    shape: Presences = {}
    for key, metas in present.items():
        left = (leaves or {}).get(key, [])
        before = {"phx_ref_prev": left[0].ref} if len(left) == len(metas) == 1 else {}
        shape[key] = {"metas": [{**one.data, "phx_ref": one.ref, **before} for one in metas]}
    return shape


def merged(state: Presences, joins: Presences, leaves: Presences) -> Presences:
    """Return a state with a diff carried out, as a client does it. The old one stays as it is."""
    new = dict(state)
    for key, joined in joins.items():
        known = new.get(key, {"metas": []})
        new[key] = {**joined, "metas": [*known["metas"], *joined["metas"]]}
    for key, left in leaves.items():
        gone = {meta["phx_ref"] for meta in left["metas"]}
        known = new.get(key, {"metas": []})
        metas = [meta for meta in known["metas"] if meta["phx_ref"] not in gone]
        if metas:
            new[key] = {**known, "metas": metas}
        else:
            new.pop(key, None)
    return new
