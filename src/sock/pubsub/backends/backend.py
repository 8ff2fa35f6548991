"""What a PubSub asks of a backend: four methods. A backend carries bytes, and knows no sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio


class Receiver(Protocol):
    """Gets what comes from other processes. Its methods are called in the event loop."""

    @property
    def behind(self) -> bool:
        """Whether the backend should wait before it reads on."""
        ...

    def begun(self) -> None:
        """Hear that the first attempt to reach the others is over, whatever has come of it."""

    def received(self, topic: str, data: bytes, /) -> None:
        """Take what another process has published on a topic."""

    def gap(self, topic: str | None = None, /) -> None:
        """Hear that messages may have been lost: of one topic, or of all."""

    def refused(self, topic: str, error: Exception, /) -> None:
        """Hear that the others let nobody here listen to a topic."""

    def connected(self) -> None:
        """Hear that the others are reached."""

    def down(self, error: Exception, retry: float, /) -> None:
        """Hear that the others are not reached, and in how many seconds the next attempt is."""


class Backend(Protocol):
    """Carries messages to the other processes and from them. It belongs to one event loop.

    The methods are called in the thread of that loop.
    """

    async def run(self, receiver: Receiver, /) -> None:
        """Carry messages until this is cancelled; then let go of everything."""

    async def subscribe(self, topic: str, /) -> None:
        """Have the messages of a topic from now on.

        It returns when the others know that, or at once while they cannot be reached: the topic is
        then subscribed when they can, and `Receiver.gap` is called.
        """

    def unsubscribe(self, topic: str, /) -> None:
        """Have the messages of a topic no more."""

    def publish(self, topic: str, data: bytes, /) -> asyncio.Future[None] | None:
        """Send bytes to all processes that have subscribed to a topic, in the order of the calls.

        Returns:
            What tells that the backend has them, or raises `BackendDown`; None if it has them.

        Raises:
            BackendDown: it cannot take them.
        """
        ...
