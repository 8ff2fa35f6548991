"""The two ends of a compressed stream. RFC 7692 §7.2."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, final

from sock.spec.errors import InvalidData

from .frame import too_many

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

NAME: Final = "permessage-deflate"

# The end of an empty block without compression. The sender cuts it off each message, and the
# receiver appends it (RFC 7692 §7.2.1).
_EMPTY_BLOCK: Final = b"\x00\x00\xff\xff"
# An empty final block. It ends the stream only if the stream is between two blocks and on a byte
# boundary, as it must be at the end of a message. So it shows whether the message is complete.
_PROBE: Final = b"\x01\x00\x00\xff\xff"
# After a final block, zlib returns a copy of the bytes that it did not use. From then on it gets
# only so many at a time, so that a piece with many final blocks takes linear time.
_SLICE: Final = 512


class _Stream(Protocol):
    """zlib's decompressor, whose class has no public name."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


class _Compressor(Protocol):
    """zlib's compressor, whose class has no public name."""

    def compress(self, data: bytes | bytearray | memoryview, /) -> bytes: ...
    def flush(self, mode: int, /) -> bytes: ...


@final
class Inflater:
    """Inflates the messages of one peer, and never more bytes than there is room for.

    Between two messages it keeps no zlib stream. With takeover it keeps the window, and begins the
    next stream with it, which takes 0.3 µs for 4 KiB and 1.2 for 32 (CPython 3.11). So each message
    ends its stream, which is how a message that was cut off is recognized.

    Args:
        window_bits: the size of the peer's window, as a power of two.
        takeover: whether a message may refer to earlier ones.
    """

    TAIL: ClassVar[bytes] = _EMPTY_BLOCK + _PROBE
    """The last piece of each message, to be inflated before `finish`."""

    __slots__ = ("_final_blocks", "_stream", "_window", "_window_size")

    def __init__(self, window_bits: int, *, takeover: bool) -> None:
        self._window_size = 1 << window_bits
        self._window = bytearray() if takeover else None
        self._stream: _Stream | None = None
        self._final_blocks = 0

    def inflate(self, piece: bytes, room: int, max_final_blocks: int) -> Iterator[bytes]:
        """Yield the next piece of a message inflated: at most one byte more than there is room for.

        Args:
            piece: the next compressed bytes of the message.
            room: how many bytes the message may still grow; a caller that gets more must give up.
            max_final_blocks: how many final blocks one message may have.

        Raises:
            InvalidData: the piece cannot be inflated.
            MessageTooBig: the message has too many final blocks.
        """
        stream = self._stream or self._open()
        position, step = 0, len(piece)
        while position < len(piece):
            if stream.eof:
                # RFC 7692 §7.2.3.4: a block with BFINAL may be followed by others. They begin a
                # stream of their own, which does not refer to the bytes before it.
                self._final_blocks += 1
                if self._final_blocks > max_final_blocks:
                    raise too_many(max_final_blocks)
                if self._window:
                    self._window.clear()
                stream, step = self._open(), _SLICE
            given = piece[position : position + step]
            try:
                inflated = stream.decompress(given, room + 1)
            except zlib.error:
                raise InvalidData("compressed data is broken (RFC 7692 §7.2.2)") from None
            # If there is room left, zlib has used everything up to the end of a final block.
            position += len(given) - len(stream.unused_data)
            if inflated:
                room -= len(inflated)
                self._remember(inflated)
                yield inflated

    def finish(self) -> None:
        """End the message, of which `TAIL` was the last piece.

        Raises:
            InvalidData: a part of it is missing.
        """
        stream, self._stream = self._stream, None
        self._final_blocks = 0
        if stream is None or not stream.eof:
            raise InvalidData("compressed data ends inside a block (RFC 7692 §7.2.2)")

    def _open(self) -> _Stream:
        # The window is always the greatest one. With a smaller one, zlib would refuse a reference
        # that is too long in some splits of a message, and accept it in others. The bytes that are
        # kept between messages are bounded by `_remember`.
        if self._window:
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS, zdict=self._window)
        else:
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._stream

    def _remember(self, inflated: bytes) -> None:
        window = self._window
        if window is not None:
            size = self._window_size
            window += inflated[-size:]
            if len(window) > size:
                del window[:-size]


@final
class Deflater:
    """Compresses messages for one peer.

    It keeps no zlib stream before the first message, and without takeover never.

    Args:
        window_bits: the size of our window, as a power of two, 9 to 15.
        takeover: whether a message may refer to earlier ones. Then all must be sent, in order.
        memory_level: the `memLevel` of zlib, 1 to 9.
        threshold: messages of fewer bytes are not compressed.
    """

    __slots__ = ("_memory_level", "_stream", "_takeover", "_threshold", "_window_bits")

    def __init__(
        self, window_bits: int, *, takeover: bool, memory_level: int, threshold: int
    ) -> None:
        self._window_bits = window_bits
        self._takeover = takeover
        self._memory_level = memory_level
        # An empty message cannot become shorter; and zlib writes nothing at all if it is flushed
        # twice.
        self._threshold = max(threshold, 1)
        self._stream: _Compressor | None = None

    @property
    def variant(self) -> Hashable | None:
        """Equal for deflaters that compress any message to the same bytes; None with takeover."""
        if self._takeover:
            return None
        return (NAME, self._window_bits, self._memory_level, self._threshold)

    def compresses(self, size: int) -> bool:
        """Return whether a message of that many bytes is compressed."""
        return size >= self._threshold

    def deflate(self, payload: bytes | bytearray | memoryview) -> bytes:
        """Return a message compressed. RFC 7692 §7.2.1."""
        stream = self._stream or zlib.compressobj(
            zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -self._window_bits, self._memory_level
        )
        if self._takeover:
            self._stream = stream
        return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[: -len(_EMPTY_BLOCK)]
