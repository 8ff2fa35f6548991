"""`PubSub`: reach all connections that listen to a topic, whichever process holds them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Self, TypeVar, final, overload

from sock import telemetry
from sock.hosting import background_loop, worker

from .backends.choice import backend_of, chosen_url, masked
from .gap import BackendDown
from .payload import Payloads
from .running import Running, running_loop
from .topic import check_topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import Ref

    from .gap import Gap
    from .payload import Encoded

MessageT = TypeVar("MessageT")

REQUIRE: Final = "SOCK_REQUIRE_BACKEND"
"""The variable that decides where `require` is not given."""


MADE: Final[weakref.WeakSet[PubSub[Any]]] = weakref.WeakSet()
"""All that there are in this process."""


@final
class PubSub(Generic[MessageT]):
    """Topics, and the connections that listen to them.

    Make one for the whole program, and use it from the callbacks of its connections. It begins in
    an event loop when it is first used there, or as a context manager in a lifespan (`async with
    rooms:`), where it ends behind the drain.

    Args:
        url: where messages go: `memory:` to this process, `host:` to all workers of this server,
            `host:/a/folder` to all processes of this user that name that folder, `redis://…` and
            `nats://…` to all that reach this broker. None is the variable `SOCK_PUBSUB`; without
            it `host:` under several workers, of `sock run`, gunicorn or uWSGI, else `memory:`.
        kind: the type of the messages, which go as JSON: a dataclass, a struct of msgspec, a
            TypedDict, a model of pydantic, a union; or `str`, or `bytes`. None for the last two.
        require: a backend that is away at the beginning is an error, and not waited for. None is
            the variable `SOCK_REQUIRE_BACKEND`.
        lossy: what the backend does not take is dropped, counted and told as `pubsub.lost`:
            `broadcast` neither waits for it nor raises `BackendDown`.

    Raises:
        ValueError: there is no backend of this scheme, or the address cannot be read.
        ImportError: the backend, or the type, needs an extra that is not installed.

    >>> rooms = PubSub("memory:")
    >>> rooms.subscribers("room:7")
    ()
    """

    @overload
    def __init__(
        self: PubSub[str | bytes],
        url: str | None = None,
        kind: None = None,
        *,
        require: bool | None = None,
        lossy: bool = False,
    ) -> None: ...

    @overload
    def __init__(
        self, *, kind: type[MessageT], require: bool | None = None, lossy: bool = False
    ) -> None: ...

    @overload
    def __init__(
        self,
        url: str | None,
        kind: type[MessageT],
        *,
        require: bool | None = None,
        lossy: bool = False,
    ) -> None: ...

    def __init__(
        self,
        url: str | None = None,
        kind: type[Any] | None = None,
        *,
        require: bool | None = None,
        lossy: bool = False,
    ) -> None:
        self._given_url = url
        self.url: str = chosen_url(url)
        """Where messages go."""
        self.kind: type[Any] | None = kind
        """The declared type of the messages; None for `str` and `bytes`."""
        self._make_backend = backend_of(self.url)
        self._payloads = Payloads(kind)
        self._require = _required() if require is None else require
        self._lossy = lossy
        self._running: dict[asyncio.AbstractEventLoop, Running] = {}
        self._own: set[bytes] = set()
        self._lock = threading.Lock()
        MADE.add(self)

    async def __aenter__(self) -> Self:
        """Begin in the running event loop.

        Raises:
            BackendDown: the backend is away, and it is required.
        """
        await self.begun()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End in the running event loop."""
        running = self._running.pop(asyncio.get_running_loop(), None)
        if running is not None:
            await running.stop()

    # Who listens.

    @overload
    async def subscribe(
        self, topic: str, ref: Ref[MessageT | Gap], /, *, gaps: Literal[True]
    ) -> None: ...

    @overload
    async def subscribe(self, topic: str, ref: Ref[MessageT], /, *, gaps: bool = False) -> None: ...

    async def subscribe(self, topic: str, ref: Ref[Any], /, *, gaps: bool = False) -> None:
        """Have a connection get each message of a topic as an info, until it ends.

        Called in the event loop of the connection. When it returns, the subscription is live: also
        what other processes publish from now on comes, if the backend is not away.

        Args:
            topic: a name of at most 1,024 bytes.
            ref: the address of the connection.
            gaps: whether it gets a `Gap` where messages may have been lost.

        Raises:
            TypeError: the topic is no `str`.
            ValueError: the topic is empty or too long.
            BackendDown: this is the first use, the backend is away, and it is required; or the
                broker lets this account not listen to the topic.
        """
        check_topic(topic)
        running = await self.begun()
        running.registry.subscribe(topic, ref, gaps=gaps)
        await running.subscribe_at_backend(topic)

    async def attach(
        self,
        topic: str,
        ref: Ref[Any],
        /,
        *,
        encode: Callable[[MessageT], Encoded] | None = None,
    ) -> None:
        """Have the peer of a connection get each message of a topic, until the connection ends.

        No callback is called for it, and the frame is made once for all that are attached. So this
        is the fastest way to reach many.

        Args:
            topic: a name of at most 1,024 bytes.
            ref: the address of the connection.
            encode: makes what the peer sees, once for all connections with the same function. None
                for the message itself; one of a declared type is JSON. It may return None, and the
                peer gets nothing; or an `AsInfo`, which goes to `handle_info` instead.

        Raises:
            TypeError, ValueError, BackendDown: as for `subscribe`.
        """
        check_topic(topic)
        running = await self.begun()
        running.registry.attach(topic, ref, encode)
        await running.subscribe_at_backend(topic)

    async def unsubscribe(self, topic: str, ref: Ref[Any], /) -> None:
        """Have a connection get nothing more of a topic, however it was asked for."""
        check_topic(topic)
        running = self._running.get(asyncio.get_running_loop())
        if running is not None:
            running.registry.discard(topic, ref)

    def subscribers(self, topic: str, /) -> tuple[Ref[Any], ...]:
        """Return the addresses of this process that listen to a topic. For any thread."""
        check_topic(topic)
        return tuple(ref for one in self._everywhere() for ref in one.registry.refs(topic))

    # Messages.

    async def broadcast(
        self, topic: str, message: MessageT, /, *, exclude: Ref[Any] | None = None
    ) -> None:
        """Send a message to all that listen to a topic, here and in other processes.

        The connections of this process have it first. It returns when the backend has it. The
        messages of one publisher on one topic arrive in their order, and each arrives once at most.

        Args:
            topic: a name of at most 1,024 bytes.
            message: of the declared type.
            exclude: does not get it.

        Raises:
            TypeError: the message is not of the declared type, or the topic is no `str`.
            ValueError: the topic is empty or too long.
            BackendDown: the backend is away, and too many messages wait for it.
        """
        check_topic(topic)
        kind, payload = self._payloads.encode(message)
        running = await self.begun()
        while running.behind:  # noqa: ASYNC110 - each turn of the loop sends a part of what waits
            await asyncio.sleep(0)
        given = self._publish(running, topic, message, kind, payload, exclude)
        if given is not None:
            await given

    def broadcast_soon(
        self, topic: str, message: MessageT, /, *, exclude: Ref[Any] | None = None
    ) -> concurrent.futures.Future[None]:
        """Do the same without waiting: from any thread, and from callbacks that are no coroutines.

        Returns:
            A future, which ends as `broadcast` would. It need not be looked at.

        Raises:
            TypeError, ValueError: as for `broadcast`.
            RuntimeError: this PubSub has begun in no event loop, and no host has one for it.
        """
        check_topic(topic)
        kind, payload = self._payloads.encode(message)
        told: concurrent.futures.Future[None] = concurrent.futures.Future()

        def publish() -> None:  # in the loop
            self._publish_soon(self._here(), topic, message, kind, payload, exclude, told)

        loop = self._any_loop()
        if loop is None:
            told.set_result(None)  # nobody listens in this process, and there is no other
        elif loop is running_loop():
            publish()
        else:
            loop.call_soon_threadsafe(publish)
        return told

    # Where it runs.

    async def begun(self) -> Running:
        """Return what runs in this event loop, when it has begun. For `Presence`."""
        running = self._here()
        if not running.has_begun:
            await running.begin()
            if self._require and not running.is_up:
                error = running.error
                await self.__aexit__()
                raise BackendDown(f"{masked(self.url)}: {error}") from error
        return running

    def _here(self) -> Running:
        """Return this PubSub in the running loop, in which it begins if it has not."""
        loop = asyncio.get_running_loop()
        running = self._running.get(loop)
        if running is None:
            self._choose()
            backend = None if self._make_backend is None else self._make_backend()
            here = worker.of_process()
            if backend is None and here is not None and here.workers > 1:
                telemetry.emit("pubsub.alone", workers=here.workers)
            running = Running(masked(self.url), self._payloads, backend, self._own)
            with self._lock:  # several threads may have loops
                self._own.add(running.sender)
                for other in [one for one in self._running if one.is_closed()]:
                    closed = self._running.pop(other)
                    self._own.discard(closed.sender)
                    closed.forget()
                self._running[loop] = running
        return running

    def _choose(self) -> None:
        """Look again for other workers: a server may fork them when this was made already.

        Raises:
            ImportError: there are some, and what reaches them needs an extra that is missing.
        """
        if self._make_backend is None:
            self.url = chosen_url(self._given_url)
            self._make_backend = backend_of(self.url)

    def _everywhere(self) -> list[Running]:
        with self._lock:
            return list(self._running.values())

    def _any_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the running loop, or another one to publish from; None if nobody can listen."""
        loop = running_loop()
        if loop is not None:
            return loop
        alive = [one for one in self._everywhere() if not one.loop.is_closed()]
        if alive:
            return alive[0].loop
        self._choose()
        if self._make_backend is None:
            return None
        loop = background_loop.provided()
        if loop is not None:
            return loop
        raise RuntimeError(
            f"the PubSub of {masked(self.url)} has begun in no event loop of this process: enter it"
            " in the lifespan (`async with`), or call sock.pubsub.publish"
        )

    def _publish(
        self,
        running: Running,
        topic: str,
        message: MessageT,
        kind: int,
        payload: bytes,
        exclude: Ref[Any] | None,
    ) -> asyncio.Future[None] | None:
        if len(self._running) > 1:
            for other in self._everywhere():
                if other is not running:
                    with contextlib.suppress(RuntimeError):  # its loop has closed
                        other.loop.call_soon_threadsafe(
                            other.registry.deliver, topic, message, kind, payload, exclude
                        )
        try:
            given = running.publish(topic, message, kind, payload, exclude)
        except BackendDown:
            if not self._lossy:
                raise
            return None
        return None if self._lossy else given

    def _publish_soon(
        self,
        running: Running,
        topic: str,
        message: MessageT,
        kind: int,
        payload: bytes,
        exclude: Ref[Any] | None,
        told: concurrent.futures.Future[None],
    ) -> None:
        try:
            given = self._publish(running, topic, message, kind, payload, exclude)
        except BackendDown as error:
            told.set_exception(error)
            return
        if given is None:
            told.set_result(None)
        else:
            given.add_done_callback(lambda done: _pass_on(done, told))


def _pass_on(done: asyncio.Future[None], told: concurrent.futures.Future[None]) -> None:
    if not told.set_running_or_notify_cancel():
        return
    error = asyncio.CancelledError() if done.cancelled() else done.exception()
    if error is None:
        told.set_result(None)
    else:
        told.set_exception(error)


def _required() -> bool:
    return os.environ.get(REQUIRE, "").lower() in {"1", "true", "t", "yes", "y", "on"}
