"""What the backends of brokers have in common: topics, outbox, and the line while there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from .outbox import Outbox

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable


class Line(Protocol):
    """What is connected with a broker. It is used until it fails; then another one begins."""

    def subscribe(self, topic: str) -> Awaitable[None]:
        """Have the messages of a topic.

        Returns:
            What ends when the broker knows that; or raises `BackendDown` if the broker lets this
            account not listen to the topic.
        """
        ...

    def unsubscribe(self, topic: str) -> None:
        """Have the messages of a topic no more."""


LineT = TypeVar("LineT", bound=Line)


class Broker(Generic[LineT]):
    """Three methods of a backend; `run`, the fourth one, sets the line of the others."""

    def __init__(self) -> None:
        self._topics: dict[str, None] = {}
        self._outbox = Outbox()
        self._line: LineT | None = None

    async def subscribe(self, topic: str, /) -> None:
        """Have the messages of a topic; returns when the broker knows that.

        Raises:
            BackendDown: the broker lets this account not listen to it.
        """
        self._topics[topic] = None
        if self._line is not None:
            await self._line.subscribe(topic)

    def unsubscribe(self, topic: str, /) -> None:
        """Have the messages of a topic no more."""
        self._topics.pop(topic, None)
        if self._line is not None:
            self._line.unsubscribe(topic)

    def publish(self, topic: str, data: bytes, /) -> asyncio.Future[None]:
        """Send bytes to all processes that have subscribed to a topic."""
        return self._outbox.put(topic, data)
