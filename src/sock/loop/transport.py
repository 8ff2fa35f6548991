"""A pipe over an ordinary asyncio transport, for loops without epoll and for TLS."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final, cast, final

from . import fork
from .pipe import NO_RECEIVER, expect_dead_peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec.request import Address
    from sock.spec.tls import TLSInfo

    from .pipe import Pipe, Receiver
    from .reactor import Reactor


_LARGE: Final = 64 * 1024


@final
class TransportPipe(asyncio.Protocol):
    """A `Pipe` that is also the transport's protocol.

    Args:
        reactor: the reactor of the event loop.
        connect: is called with this pipe when the transport is there, and returns the receiver.
    """

    __slots__ = (
        "_connect",
        "_ended",
        "_lost",
        "_reactor",
        "_transport",
        "_written",
        "client",
        "receiver",
        "server",
    )

    receiver: Receiver
    _transport: asyncio.Transport

    def __init__(self, reactor: Reactor, connect: Callable[[Pipe], Receiver]) -> None:
        self._reactor = reactor
        self._connect = connect
        self.receiver = NO_RECEIVER
        self._written = 0
        self._ended = False
        self._lost = False
        self.client: Address | None = None
        self.server: Address | None = None

    # Calls from the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        # With this limit, pause_writing means that bytes wait, and resume_writing that none do.
        self._transport.set_write_buffer_limits(high=0)
        self.client = self._address("peername")
        self.server = self._address("sockname")
        connect = self._connect
        del self._connect  # it may keep objects alive
        try:
            self.receiver = connect(self)
        except BaseException:  # there is no receiver
            self._transport.abort()
            raise

    def data_received(self, data: bytes) -> None:
        """Give bytes to the receiver."""
        self._reactor.begin_turn()
        self.receiver.received(data)
        if self._reactor.overdue():
            self._reactor.end_long_turn()

    def eof_received(self) -> bool:
        """Keep the transport open, because the receiver may still send something."""
        self._ended = True
        self.receiver.ended()
        return not self._transport.get_extra_info("sslcontext")  # TLS has no half-closed state

    def resume_writing(self) -> None:
        """Tell the receiver that the kernel has taken all bytes."""
        self.receiver.drained()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the cause makes no difference
        """Tell the receiver that the pipe is gone."""
        self._lost = True
        sock: Any = self._transport.get_extra_info("socket") if fork.happened else None
        if sock is not None:
            fork.shut(sock.fileno())
        receiver = self.receiver
        self.receiver = NO_RECEIVER  # the two refer to each other, and both shall be freed at once
        receiver.lost()

    # The methods of a pipe.

    @property
    def tls(self) -> TLSInfo | None:
        """Nothing is encrypted here."""
        return None

    @property
    def pending(self) -> int:
        """Bytes that the kernel has not taken."""
        return 0 if self._lost else self._transport.get_write_buffer_size()

    @property
    def taken(self) -> int:
        """Bytes that the kernel has taken."""
        return self._written - self.pending

    def write(self, data: bytes | bytearray, /) -> None:
        """Send now what the kernel takes, and the rest later."""
        if not self._lost:
            size = len(data)
            self._written += size
            # The rest of a memoryview is not a copy: a result of 100 MiB would be held twice.
            self._transport.write(data if size < _LARGE else memoryview(data))

    def pause(self, dead_after: float | None = None) -> None:
        """Stop reading, and let the kernel find out meanwhile whether the peer is alive."""
        if not self._lost:
            sock: Any = self._transport.get_extra_info("socket")
            if isinstance(sock, socket.socket) or hasattr(sock, "setsockopt"):
                expect_dead_peer(sock, dead_after)
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if not self._lost and not self._ended:
            self._transport.resume_reading()

    def finish(self) -> None:
        """Send what is pending, then FIN."""
        if not self._lost:
            if self._transport.can_write_eof():
                try:
                    self._transport.write_eof()
                except OSError:  # the peer has reset it meanwhile
                    self._transport.abort()
            else:
                self._transport.close()

    def close(self) -> None:
        """Send what is pending, then close."""
        if not self._lost:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if not self._lost:
            self._transport.abort()

    def _address(self, name: str) -> Address | None:
        address: Any = self._transport.get_extra_info(name)
        return cast("Address", address[:2]) if isinstance(address, tuple) else None
