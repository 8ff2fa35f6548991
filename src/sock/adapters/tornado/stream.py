"""A pipe over a stream of Tornado's: for TLS, which only the stream can encrypt and decrypt."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast, final

from sock.loop import fork
from sock.loop.pipe import expect_dead_peer

if TYPE_CHECKING:
    import asyncio

    from sock.loop import Reactor, Receiver
    from sock.spec.request import Address
    from sock.spec.tls import TLSInfo

_CHUNK: Final = 64 * 1024


@final
class StreamPipe:
    """A `Pipe` over an IOStream that was detached.

    Args:
        reactor: of the event loop.
        stream: Tornado's.
        reading: a read of the stream that has begun; None where none has.
    """

    receiver: Receiver

    def __init__(self, reactor: Reactor, stream: Any, reading: Any) -> None:
        self._reactor = reactor
        self._stream = stream
        self._reading: asyncio.Future[bytes] | None = reading
        self._paused = False
        self._held_back = b""  # was read, and arrived after the receiver had paused
        self._writes: deque[int] = deque()  # the sizes of the writes that the kernel has not taken
        self.taken = 0
        """Bytes that the kernel has taken."""
        self._closing = False  # whether to close when the kernel has taken everything

    def begin(self) -> None:
        """Begin to read, and to tell the receiver of the end."""
        self._stream.set_close_callback(self._closed)
        if self._reading is not None:
            self._reading.add_done_callback(self._read)
        else:
            self._read_on()

    @property
    def tls(self) -> TLSInfo | None:
        """Only the server under the host knows."""
        return None

    @property
    def pending(self) -> int:
        """Bytes given to `write` that the kernel has not taken."""
        return sum(self._writes)

    @property
    def client(self) -> Address | None:
        """Host and port of the peer."""
        return self._address("getpeername")

    @property
    def server(self) -> Address | None:
        """Host and port that the peer reached."""
        return self._address("getsockname")

    def write(self, data: bytes | bytearray, /) -> None:
        """Send now, or as soon as the kernel takes the bytes."""
        # The stream tells of a write when the kernel has taken all of it. So a large one goes in
        # pieces: a peer that takes some of it is not too slow [S11.2].
        with memoryview(data) as whole:
            for begin in range(0, len(whole), _CHUNK):
                if self._stream.closed():
                    return
                self._write(bytes(whole[begin : begin + _CHUNK]))

    def _write(self, piece: bytes) -> None:
        written: asyncio.Future[None] = self._stream.write(piece)
        if not self._stream.writing() and written.done():
            self.taken += len(piece)
            return
        self._writes.append(len(piece))
        written.add_done_callback(self._written)

    def pause(self, dead_after: float | None = None, /) -> None:
        """Stop reading; let the kernel find out whether the peer is alive meanwhile."""
        self._paused = True
        if self._stream.socket is not None:
            expect_dead_peer(self._stream.socket, dead_after)

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        if self._reading is None:
            self._reactor.loop.call_soon(self._read_on)

    def finish(self) -> None:
        """Send what is pending, then end: TLS has no half-closed state."""
        self.close()

    def close(self) -> None:
        """Send what is pending, then close."""
        self._paused = True
        self._closing = True
        if not self._writes:
            self._end()

    def abort(self) -> None:
        """Close at once."""
        self._writes.clear()
        self._end()

    def _read_on(self) -> None:
        if self._may_read() and self._held_back:
            data, self._held_back = self._held_back, b""
            try:
                self._tell(data)
            finally:  # as in `_read`
                self._read_more()
        else:
            self._read_more()

    def _read_more(self) -> None:
        if not self._may_read():  # the receiver has closed or paused
            return
        self._reading = self._stream.read_bytes(_CHUNK, partial=True)
        cast("asyncio.Future[bytes]", self._reading).add_done_callback(self._read)

    def _may_read(self) -> bool:
        return not self._paused and self._reading is None and not self._stream.closed()

    def _read(self, reading: asyncio.Future[bytes]) -> None:
        self._reading = None
        if reading.cancelled() or reading.exception() is not None:
            return  # the stream is closed: `_closed` is called for that
        if self._paused:
            self._held_back += reading.result()
            return
        try:
            self._tell(reading.result())
        finally:  # also after an exit in a callback: the peer's answer to our Close is to come
            self._read_on()

    def _tell(self, data: bytes) -> None:
        self._reactor.begin_turn()
        self.receiver.received(data)

    def _written(self, written: asyncio.Future[None]) -> None:
        if written.cancelled() or written.exception() is not None or not self._writes:
            return
        self.taken += self._writes.popleft()
        if not self._writes:
            if self._closing:
                self._end()
            self.receiver.drained()

    def _end(self) -> None:
        if fork.happened and self._stream.socket is not None:
            fork.shut(self._stream.socket.fileno())
        self._stream.close()

    def _closed(self) -> None:
        self._writes.clear()
        self.receiver.lost()

    def _address(self, name: str) -> Address | None:
        sock = self._stream.socket
        try:
            address: Any = None if sock is None else getattr(sock, name)()
        except OSError:
            return None
        return cast("Address", address[:2]) if isinstance(address, tuple) else None
