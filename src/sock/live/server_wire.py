"""What a `Bridge` asks of a WebSocket connection in another server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, cast, final

from sock.spec import Prepared, Text
from sock.spec.exact import exact_bytes, exact_text

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sock.spec import Message, Ping, Pong, Remote, Shutdown

    Received: TypeAlias = str | bytes | bytearray | memoryview | Ping | Pong | Remote | Shutdown


class ServerWire(Protocol):
    """A WebSocket connection in another server, which has accepted it already."""

    passes_control_frames: bool
    """Whether pings can be sent, and pongs are received."""

    async def receive(self) -> Received:
        """Return the next message, or how the connection ends.

        A message in a buffer is copied before the next one is asked for.

        Returns:
            A message; a `Ping` or `Pong`, if the server passes them on; `Remote` when the peer has
            closed the connection; `Shutdown` when the server itself closes it.

        Raises:
            ProtocolError: the peer broke the protocol; the server has told it so.
            Exception: any other error means that the peer is lost.
        """
        ...

    def send(self, message: Message, /) -> Awaitable[None]:
        """Send a message, or a control frame if the server can. Raises when the peer is gone."""
        ...

    async def close(self, code: int | None, detail: str, /) -> None:
        """Send a Close frame. Raises when the peer is gone."""


@final
class QueuedClose:
    """A Close frame in the queue of messages to send.

    Args:
        code: to send; None for a Close frame without a code.
        detail: the text in the Close frame.
    """

    __slots__ = ("code", "detail")

    def __init__(self, code: int | None, detail: str) -> None:
        self.code = code
        self.detail = detail


def snapshot(message: Message) -> Message:
    """Return a message as it is now, to be kept: a buffer may change, and a subclass may lie."""
    if isinstance(message, str):
        return exact_text(message)
    if isinstance(message, memoryview):
        return bytes(message)
    if isinstance(message, (bytes, bytearray)):
        return bytes(exact_bytes(message))
    return message


def plain(message: Message) -> str | bytes | Ping | Pong:
    """Return a message in a form that every implementation of RFC 6455 can encode.

    >>> plain(Prepared("hello")), plain(Text(b"hello")), plain(bytearray(b"hello"))
    ('hello', 'hello', b'hello')
    """
    if isinstance(message, Prepared):
        return message.message
    if isinstance(message, Text):
        return message.utf8.decode()
    if isinstance(message, (bytearray, memoryview)):
        return bytes(cast("bytearray", message))
    return message
