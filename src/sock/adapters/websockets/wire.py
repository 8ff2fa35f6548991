"""A connection of websockets as the wire of a `Bridge`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, final

import websockets

from sock.spec import (
    CloseCode,
    InvalidData,
    MessageTooBig,
    Ping,
    Pong,
    Prepared,
    ProtocolError,
    Remote,
    Shutdown,
    Text,
)

if TYPE_CHECKING:
    import asyncio

    from sock.live.bridge import Bridge
    from sock.spec import Message

_VIOLATIONS: Final = {
    CloseCode.PROTOCOL_ERROR: ProtocolError,
    CloseCode.INVALID_DATA: InvalidData,
    CloseCode.MESSAGE_TOO_BIG: MessageTooBig,
}
"""The codes that websockets sends to a peer that broke the protocol."""


@final
class WebsocketsWire:
    """A connection of websockets: the `ServerWire` of a `Bridge`."""

    passes_control_frames = True

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.bridge: Bridge | None = None
        """The bridge over this wire, which is told of pongs."""

    async def receive(self) -> str | bytes | Ping | Pong | Remote | Shutdown:
        """Return the next message, or how the connection has ended."""
        connection = self._connection
        try:
            message: str | bytes = await connection.recv()
        except websockets.ConnectionClosed as closed:
            return self._end(closed)
        return message

    def _end(self, closed: websockets.ConnectionClosed) -> Remote | Shutdown:
        received, sent = closed.rcvd, closed.sent
        if sent is not None and not closed.rcvd_then_sent:  # the server has closed first
            if sent.code in {CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART}:
                return Shutdown()
            if sent.code in _VIOLATIONS:
                raise _VIOLATIONS[CloseCode(sent.code)](sent.reason)
        if received is None:
            return Remote(CloseCode.ABNORMAL_CLOSURE)
        return Remote(received.code, received.reason)

    async def send(self, message: Message, /) -> None:
        """Send a message or a control frame."""
        connection = self._connection
        if isinstance(message, Prepared):
            message = message.message
        if isinstance(message, Ping):
            with contextlib.suppress(websockets.ConcurrencyError):  # an equal ping is unanswered
                pong = await connection.ping(message.payload)
                pong.add_done_callback(self._pong_received)
        elif isinstance(message, Pong):
            await connection.pong(message.payload)
        elif isinstance(message, Text):
            await connection.send(message.utf8, text=True)
        else:
            await connection.send(message)

    def _pong_received(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None and self.bridge is not None:
            self.bridge.heard()

    async def close(self, code: int | None, detail: str, /) -> None:
        """Send Close, and wait for the peer's."""
        await self._connection.close(CloseCode.NORMAL if code is None else code, detail)
