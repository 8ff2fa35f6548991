"""The wire of an `EngineConnection` over an asyncio transport; a subclass has the frames."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Ping, Pong

    from .engine_connection import EngineConnection, Received


class TransportWire(asyncio.Protocol):
    """The `FrameWire` of a connection whose bytes an asyncio transport carries.

    A subclass has `parse`, `encode` and `encode_close`, over an implementation of RFC 6455 that
    does no I/O. It becomes the protocol of the transport in `go_live`.

    Args:
        transport: of the connection.
        head: the 101, which is sent with everything that `init` pushes.
    """

    def __init__(self, transport: asyncio.Transport, head: bytes) -> None:
        self._transport = transport
        self._kept = bytearray(head)
        self._written = 0
        self._ended = False
        self._connection: EngineConnection | None = None

    def go_live(self, connection: EngineConnection, early: bytes) -> None:
        """Begin the connection, which then lets the wire read.

        Args:
            connection: the one over this wire.
            early: the bytes that came behind the head of the request.
        """
        self._connection = connection
        self._transport.pause_reading()  # until the connection lets it read
        # With this limit, resume_writing means that no bytes are pending.
        self._transport.set_write_buffer_limits(high=0)
        self._transport.set_protocol(self)
        connection.begin()
        if early:
            self.data_received(early)

    # What a subclass has.

    def parse(self, data: bytes, /) -> Iterable[Received]:
        """Return what has come with these bytes, best as a generator that parses when it is asked.

        A message is complete, and no larger than the options allow: a larger one is a
        `MessageTooBig` as soon as that is known. `Remote` stands for the peer's Close frame, and a
        `ProtocolError` for any breach of the protocol.
        """
        raise NotImplementedError

    def encode(self, message: str | bytes | Ping | Pong, /) -> bytes:
        """Return the frame of a message."""
        raise NotImplementedError

    def encode_close(self, code: int | None, detail: str, /) -> bytes:
        """Return a Close frame."""
        raise NotImplementedError

    # Called by the transport.

    def data_received(self, data: bytes) -> None:
        """Give what has come to the connection."""
        if self._connection is not None and not self._ended:
            self._connection.receive(self.parse(data))

    def resume_writing(self) -> None:
        """Tell the connection that nothing is pending."""
        if self._connection is not None:
            self._connection.drained()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any cause is the same
        """Tell the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.lost()

    # Called by the connection.

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer."""
        return len(self._kept) + self._transport.get_write_buffer_size()

    @property
    def bytes_taken(self) -> int:
        """Bytes that the kernel has taken so far."""
        return self._written - self._transport.get_write_buffer_size()

    def send(self, message: str | bytes | Ping | Pong, /) -> None:
        """Keep the frame of a message for `flush`."""
        self._kept += self.encode(message)

    def close(self, code: int | None, detail: str, /) -> None:
        """Keep a Close frame for `flush`."""
        self._kept += self.encode_close(code, detail)

    def flush(self) -> None:
        """Write everything that was kept, in one piece."""
        if self._kept:
            data, self._kept = self._kept, bytearray()
            self._written += len(data)
            self._transport.write(data)

    def pause(self) -> None:
        """Read nothing more."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def end(self) -> None:
        """Send FIN behind everything that was written; the peer's FIN then closes TCP."""
        self._ended = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:  # TLS
            self._transport.close()

    def cut(self) -> None:
        """Close TCP at once."""
        self._transport.abort()
