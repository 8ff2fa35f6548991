"""A WebSocket connection in a server that is not ours: what a `Bridge` asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast, final

from sock.spec import Ping, Pong, Prepared, Text

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable

    from sock.spec import Message, Remote, Shutdown


class Foreign(Protocol):
    """A WebSocket connection in a server that is not ours, accepted already."""

    controls: bool
    """Whether pings can be sent, and pongs are received."""

    async def receive(
        self,
    ) -> str | bytes | bytearray | memoryview | Ping | Pong | Remote | Shutdown:
        """Return what comes next. Whatever it raises means that the peer is lost.

        Raises:
            ProtocolError: it broke the protocol; the server has said so, and has ended.
        """
        ...

    def send(self, message: Message, /) -> Awaitable[None]:
        """Send a message, or a control frame if it can. Raises when the peer is gone."""
        ...

    async def close(self, code: int | None, detail: str, /) -> None:
        """Say Close. Raises when the peer is gone."""


@final
class Closing:
    """A Close frame in the queue."""

    __slots__ = ("code", "detail")

    def __init__(self, code: int | None, detail: str) -> None:
        self.code = code
        self.detail = detail


def size_of(message: Message) -> int:
    """Return about how many bytes a message takes."""
    if isinstance(message, Prepared):
        message = message.message
    elif isinstance(message, Text):
        message = message.utf8
    elif isinstance(message, (Ping, Pong)):
        message = message.payload
    return len(cast("bytes", message))


def size_in_bytes(message: str | bytes) -> int:
    """Return how many bytes a message was on the wire, inflated."""
    return len(message.encode()) if isinstance(message, str) else len(message)


def forget(task: asyncio.Task[None]) -> None:
    """Take an exception, which is no news: the peer has gone."""
    if not task.cancelled():
        task.exception()


def let_go(future: asyncio.Future[None]) -> None:
    """Let whoever waits for it go on, if that was not done."""
    if not future.done():
        future.set_result(None)
