"""`Channel`: one topic on one connection. Applications write subclasses."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, final

from .channel_ref import ChannelRef
from .events import Events

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Awaitable
    from types import SimpleNamespace

    from .deferred import Deferred
    from .port import Port
    from .reason import Ended

JOINING: Final = "joining"
JOINED: Final = "joined"
OVER: Final = "over"

Reply: TypeAlias = Any
"""What a client gets as the response of a reply: a mapping, mostly; any JSON value, or bytes."""


class Channel:
    """One topic on one connection, which a client has joined.

    One is made for each join, without arguments. Its callbacks are called one at a time, in the
    order in which things have come. Each may be a plain function or a coroutine. Other topics of
    the connection go on while a coroutine waits.

    An exception in a callback ends this channel and no other; the client is told, and joins again.
    An event that no method takes is answered with an error, and so is a payload that is not of the
    declared type. With `strict = True` both end the channel, as they do in Phoenix.

    >>> from typing import Any
    >>> class Room(Channel):
    ...     def join(self, topic: str, params: dict[str, Any]) -> Reply:
    ...         return {"topic": topic}
    """

    strict: ClassVar[bool] = False
    """Whether an event that is not understood ends the channel, as in Phoenix."""

    topic: str
    """The topic."""
    assigns: SimpleNamespace
    """Values of this channel. They begin as a copy of those of the socket."""

    _port: Port
    _ref: ChannelRef | None = None
    _phase: str = JOINING

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Look up which method takes which event.

        Raises:
            TypeError: the type of a payload cannot be told from JSON.
        """
        super().__init_subclass__(**arguments)
        with contextlib.suppress(NameError):  # of a type further down: then the first join does it
            events_of(cls)

    # What a subclass has.

    def join(self, topic: str, params: Any, /) -> Reply | Awaitable[Reply]:  # noqa: ARG002 - the contract names them
        """Let the client in. What is returned is the response of the reply; None is an empty one.

        Nothing can be pushed yet; `after_join` is for that.

        Args:
            topic: that the client joins.
            params: its parameters; another annotation than `dict` decodes them into that type.

        Raises:
            JoinError: to refuse.
        """
        return None

    def after_join(self) -> None | Awaitable[None]:
        """Begin: the reply to the join has left."""

    def handle_info(self, info: Any, /) -> Any | Awaitable[Any]:
        """Take what the program has sent to `ref`, or what came on topics that `ref` listens to."""

    def terminate(self, reason: Ended, /) -> None | Awaitable[None]:
        """End: called last and once, also after a crash, if the client had joined.

        What is pushed here no longer reaches the client.
        """

    # What a subclass calls.

    @property
    def ref(self) -> ChannelRef:
        """The address of this channel, which may be kept and passed on."""
        if self._ref is None:
            self._ref = ChannelRef(self._port, self)
        return self._ref

    @final
    def push(self, event: str, payload: Any = None) -> None:
        """Send an event to the client.

        Args:
            event: its name.
            payload: a mapping, a struct or bytes; None is an empty mapping.

        Raises:
            RuntimeError: the join is not finished.
            TypeError: the payload cannot be sent.
        """
        if self._may_send():
            self._port.push(event, payload)

    @final
    async def broadcast(self, event: str, payload: Any = None) -> None:
        """Send an event to all that have joined the topic, this client included.

        Args:
            event: its name.
            payload: a mapping, a struct or bytes; None is an empty mapping.

        Raises:
            RuntimeError: the join is not finished.
            TypeError: the payload cannot be sent.
            BackendDown: other processes cannot be reached.
        """
        self._may_send()
        await self._port.broadcast(event, payload, to_self=True)

    @final
    async def broadcast_from(self, event: str, payload: Any = None) -> None:
        """Send an event to all others that have joined the topic.

        Raises:
            RuntimeError, TypeError, BackendDown: as for `broadcast`.
        """
        self._may_send()
        await self._port.broadcast(event, payload, to_self=False)

    @final
    def broadcast_soon(
        self, event: str, payload: Any = None, *, to_self: bool = True
    ) -> concurrent.futures.Future[None]:
        """Do as `broadcast` does without waiting, for callbacks that are no coroutines.

        Args:
            event: its name.
            payload: a mapping, a struct or bytes; None is an empty mapping.
            to_self: whether this client gets it too.

        Returns:
            A future, which ends as `broadcast` would. It need not be looked at.

        Raises:
            RuntimeError: the join is not finished.
            TypeError: the payload cannot be sent.
        """
        self._may_send()
        return self._port.broadcast_soon(event, payload, to_self=to_self)

    @final
    def defer(self) -> Deferred:
        """Return what answers the event that is being handled, later and from anywhere.

        Raises:
            RuntimeError: no event is being handled.
        """
        return self._port.defer()

    @final
    def stop(self) -> None:
        """End this channel; the client is told that it is closed. Takes effect soon."""
        self.ref.stop()

    def _may_send(self) -> bool:
        """Tell whether what is pushed reaches the client.

        Raises:
            RuntimeError: the join is not finished.
        """
        if self._phase is JOINING:
            raise RuntimeError(
                f"{type(self).__name__}: nothing can be sent before the join is finished; send it"
                " in after_join"
            )
        return self._phase is JOINED


def change_phase(channel: Channel, phase: str) -> None:
    """Note how far a channel is. For the lane."""
    channel._phase = phase  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as below


def bind(channel: Channel, port: Port, topic: str, assigns: SimpleNamespace) -> None:
    """Give a channel that was just made its place. For the lane."""
    channel._port = port  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as a constructor would
    channel.topic = topic
    channel.assigns = assigns


def known_ref(channel: Channel) -> ChannelRef | None:
    """Return the address of a channel, if anybody has asked for it. For the lane."""
    return channel._ref  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - the lane ends it


def events_of(kind: type[Channel]) -> Events:
    """Return the events of a class of channels.

    Raises:
        NameError: the annotation of a payload has a name that is not defined.
        TypeError: the type of a payload cannot be told from JSON.
    """
    found: Events | None = vars(kind).get("_events")
    if found is None:
        found = Events(kind)
        setattr(kind, "_events", found)  # noqa: B010 - of this class, and not of those below it
    return found
