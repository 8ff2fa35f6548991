"""A pipe over an ordinary asyncio transport, for loops without epoll and for TLS."""

from __future__ import annotations

import asyncio
import select
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
    from .timer import Alarm


_LARGE: Final = 64 * 1024

_LOOK_INTERVAL: Final = 1.0
"""Seconds between two looks at whether a peer is lost that is not read from."""

_CAN_LOOK: Final = hasattr(select, "poll")


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
        "_looking",
        "_lost",
        "_paused",
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
        self._paused = False
        self._looking: Alarm | None = None  # from the first pause on, until it is read again
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
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
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
                self._look_soon()
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._paused = False
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

    def _look_soon(self) -> None:
        if self._looking is None and _CAN_LOOK:
            self._looking = self._reactor.after(_LOOK_INTERVAL, self._look)

    def _look(self) -> None:
        """End the pipe if its peer is lost: asyncio tells that only to those who read [S7.11]."""
        self._looking = None
        if not self._paused or self._lost or self._transport.is_closing():
            return
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), 0)
        if poll.poll(0):  # POLLERR or POLLHUP: others were not asked for; a FIN is neither
            self._transport.abort()
        else:
            self._look_soon()

    def _address(self, name: str) -> Address | None:
        address: Any = self._transport.get_extra_info(name)
        return cast("Address", address[:2]) if isinstance(address, tuple) else None
