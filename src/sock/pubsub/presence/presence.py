"""`Presence`: who is here, under a topic, whichever process holds their connections."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final, Generic, Self, final, overload

from sock.pubsub.running import running_loop
from sock.pubsub.topic import check_key, check_topic

from .change import MetaT
from .data import Data
from .local import Local
from .message import MAX_LINGER

if TYPE_CHECKING:
    from sock.pubsub.pubsub import PubSub
    from sock.spec import Ref

    from .change import Diff, Present, State
    from .message import Said

LEASE: Final = 10.0
"""Seconds for which a process may be silent."""

_CHANNEL: Final = "sock:presence:"
"""What the topic begins with over which the presences of all processes speak."""


@final
class Presence(Generic[MetaT]):
    """Who is here: entries under a key of a topic, over all processes that a PubSub reaches.

    Make one for the whole program, as the PubSub. It begins in an event loop when it is first used
    there, or as a context manager in a lifespan (`async with rooms, presence:`).

    Each process knows the entries of all. An entry leaves when its connection ends, and those of a
    process that is killed or cut off leave when nothing was heard of it for `lease` seconds.

    Args:
        pubsub: over which the processes speak.
        kind: the type of what is known of an entry, as for `PubSub`; None for whatever JSON has.
        name: tells apart two of them on one PubSub.
        linger: seconds, at most 3,600, for which the last entry of a key stays when the server of
            its connection stops. In a rolling deploy clients come back meanwhile, and nobody seems
            to have left.
        lease: seconds; the same in all processes.

    Raises:
        ValueError: a number is out of range.
        ImportError: msgspec is not installed, which a type needs.
        TypeError: the type cannot be told from JSON.

    >>> from sock.pubsub import PubSub
    >>> presence = Presence(PubSub("memory:"))
    >>> presence.list("room:7")
    {}
    """

    @overload
    def __init__(
        self: Presence[Any],
        pubsub: PubSub[Any],
        kind: None = None,
        *,
        name: str = "",
        linger: float = 0.0,
        lease: float = LEASE,
    ) -> None: ...

    @overload
    def __init__(
        self,
        pubsub: PubSub[Any],
        kind: type[MetaT],
        *,
        name: str = "",
        linger: float = 0.0,
        lease: float = LEASE,
    ) -> None: ...

    def __init__(
        self,
        pubsub: PubSub[Any],
        kind: type[Any] | None = None,
        *,
        name: str = "",
        linger: float = 0.0,
        lease: float = LEASE,
    ) -> None:
        if not 0 <= linger <= MAX_LINGER:
            raise ValueError(f"linger is 0 to {MAX_LINGER:.0f} seconds, not {linger}")
        if not 0.1 <= lease <= MAX_LINGER:
            raise ValueError(f"lease is 0.1 to {MAX_LINGER:.0f} seconds, not {lease}")
        self._channel = f"{_CHANNEL}{name}"
        check_topic(f"{self._channel}/{'0' * 16}")
        self._pubsub = pubsub
        self._data = Data(kind)
        self._linger = linger
        self._lease = lease
        self._locals: dict[asyncio.AbstractEventLoop, Local] = {}
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        """Begin in the running event loop.

        Raises:
            BackendDown: the backend of the PubSub is away, and it is required.
        """
        await self._begun()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End in the running event loop: the entries of its connections leave, or linger."""
        local = self._locals.pop(asyncio.get_running_loop(), None)
        if local is not None:
            await local.end()

    async def track(
        self, topic: str, ref: Ref[Any], /, *, key: str, meta: MetaT | None = None
    ) -> str:
        """Add an entry for a connection, until that ends. Called in its event loop.

        A connection has one entry under a key: a second one takes the place of the first. Several
        connections may have the same key, such as the tabs of one user.

        Args:
            topic: a name of at most 1,024 bytes.
            ref: the address of the connection.
            key: who is here: at most 1,024 bytes.
            meta: what others are told of it: at most 4,096 bytes as JSON.

        Returns:
            The name of the entry: the `ref` of its `Meta`.

        Raises:
            TypeError: topic or key is no `str`, or the meta is not of the declared type.
            ValueError: topic, key or meta is too large.
            BackendDown: this is the first use, the backend is away, and it is required.
        """
        check_topic(topic)
        check_key(key)
        raw = self._data.encode(meta)
        local = await self._begun()
        return local.track(topic, ref, key, raw)

    async def update(self, topic: str, ref: Ref[Any], /, *, key: str, meta: MetaT) -> str:
        """Change what is known of an entry: watchers see that it leaves and joins, in one Diff.

        Returns:
            The name of the new entry.

        Raises:
            LookupError: the connection has no entry under this key.
            Exception: as for `track`.
        """
        raw = self._data.encode(meta)
        local = await self._begun()
        if not local.tracks(topic, ref, key):
            raise LookupError(f"this connection has no entry {key!r} in {topic!r}: track it first")
        return local.track(topic, ref, key, raw)

    async def untrack(self, topic: str, ref: Ref[Any], /, *, key: str | None = None) -> None:
        """Take an entry of a connection out, or all of its entries in a topic.

        Nothing happens if there is none.
        """
        local = await self._begun()
        local.untrack(topic, ref, key)

    def list(self, topic: str, /) -> Present[MetaT]:
        """Return the entries under each key of a topic, of all processes.

        It asks nobody: each process knows them. It may be called in any thread.
        """
        with self._lock:
            loops = list(self._locals)
        for loop in sorted(loops, key=lambda loop: loop is not running_loop()):
            if not loop.is_closed():
                return self._locals[loop].roster.present(topic)
        return {}

    async def watch(self, topic: str, ref: Ref[State[MetaT] | Diff[MetaT]], /) -> None:
        """Send a connection the State of a topic as an info, and from then on each Diff.

        It ends with the connection. Called in the event loop of the connection.

        Raises:
            TypeError: the topic is no `str`.
            ValueError: the topic is empty or too long.
            BackendDown: this is the first use, the backend is away, and it is required.
        """
        check_topic(topic)
        local = await self._begun()
        local.watch(topic, ref)

    async def unwatch(self, topic: str, ref: Ref[Any], /) -> None:
        """Send a connection no more Diffs of a topic. Nothing happens if it gets none."""
        local = await self._begun()
        local.watchers.discard(topic, ref)

    # Where it runs.

    async def _begun(self) -> Local:
        running = await self._pubsub.begun()
        local = self._locals.get(running.loop)
        if local is None or local.running is not running:
            local = Local(running, self._channel, self._data, self._linger, self._lease, self._post)
            with self._lock:  # several threads may have loops
                for loop in [loop for loop in self._locals if loop.is_closed()]:
                    del self._locals[loop]
                self._locals[running.loop] = local
        try:
            await local.begun()
        except Exception:
            if self._locals.get(running.loop) is local:
                del self._locals[running.loop]  # the next one who asks tries again
                await local.end()
            raise
        return local

    def _post(self, sender: Local, to: bytes | None, said: Said) -> bool:
        """Give a message to the other loops of this process; tell whether it has arrived."""
        if len(self._locals) == 1:
            return False
        with self._lock:
            others = [one for one in self._locals.values() if one is not sender]
        for other in others:
            if to in {None, other.name}:
                with contextlib.suppress(RuntimeError):  # its loop has closed
                    other.loop.call_soon_threadsafe(other.take, said)
        return to in {other.name for other in others}
