"""A WebSocket connection in a server that is not ours: what a `Bridge` asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast, final

from sock.spec import CloseCode, ProtocolError, Remote
from sock.spec.exact import exact_bytes, exact_text

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable

    from sock.spec import Message, Ping, Pong, Shutdown


class ServerWire(Protocol):
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


async def received(foreign: ServerWire) -> Any:
    """Return what comes next, an end among it; a ProtocolError that the server has answered."""
    try:
        told: Any = await foreign.receive()
    except ProtocolError as error:
        return error
    except Exception:  # noqa: BLE001 - however a server says that the peer is lost
        return Remote(CloseCode.ABNORMAL_CLOSURE)
    # A buffer may be the server's to use again.
    return bytes(cast("bytearray", told)) if isinstance(told, (bytearray, memoryview)) else told


def as_it_is_now(message: Message) -> Message:
    """Return a message to be kept: what is in a buffer may change, and a class may lie of it."""
    if isinstance(message, str):
        return exact_text(message)
    if isinstance(message, memoryview):
        return bytes(message)
    if isinstance(message, (bytes, bytearray)):
        return bytes(exact_bytes(message))
    return message


def forget(task: asyncio.Task[None]) -> None:
    """Take an exception, which is no news: the peer has gone."""
    if not task.cancelled():
        task.exception()


def let_go(future: asyncio.Future[None]) -> None:
    """Let whoever waits for it go on, if that was not done."""
    if not future.done():
        future.set_result(None)
