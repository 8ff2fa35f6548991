"""The two ends of a compressed stream. RFC 7692 §7.2."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, final

from sock.spec.errors import InvalidData

from .frame import too_many

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

NAME: Final = "permessage-deflate"

# What an empty block of no compression ends with; the sender cuts it off, the receiver puts it back
# (RFC 7692 §7.2.1).
_EMPTY_BLOCK: Final = b"\x00\x00\xff\xff"
# An empty final block. At the end of a message the stream must be between two blocks, on a byte
# boundary: there, and nowhere else, this ends it.
_PROBE: Final = b"\x01\x00\x00\xff\xff"
# Behind a final block zlib hands back, as a copy, what it did not use. Only so much is given to it
# then, that many final blocks in one piece cost linear work.
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
    """Inflates the messages of one peer, never more than is asked for.

    Between two messages it holds no state of zlib's: only, with takeover, the window, of which that
    state can be made again. That takes 0.3 µs for 4 KiB and 1.2 for 32 (CPython 3.11), and allows
    to end the stream for good with each message: else one that is cut off could not be told.

    Args:
        window_bits: of the peer's window.
        takeover: whether a message may refer to earlier ones.
    """

    TAIL: ClassVar[bytes] = _EMPTY_BLOCK + _PROBE
    """What is inflated at the end of each message, before `finish`."""

    __slots__ = ("_final_blocks", "_stream", "_window", "_window_size")

    def __init__(self, window_bits: int, *, takeover: bool) -> None:
        self._window_size = 1 << window_bits
        self._window = bytearray() if takeover else None
        self._stream: _Stream | None = None
        self._final_blocks = 0

    def inflate(self, piece: bytes, room: int, max_final_blocks: int) -> Iterator[bytes]:
        """Yield what the next piece of a message becomes: at most one byte more than there is room.

        Args:
            piece: of the message's compressed bytes.
            room: how many bytes the message may still become; whoever gets more must give up.
            max_final_blocks: how many of them one message may have.

        Raises:
            InvalidData: the piece cannot be inflated.
            MessageTooBig: too many final blocks.
        """
        stream = self._stream or self._open()
        position, step = 0, len(piece)
        while position < len(piece):
            if stream.eof:
                # RFC 7692 §7.2.3.4: a block with BFINAL may be followed by others. They begin a
                # stream of their own, which does not refer to what was before.
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
            # With `room` to spare zlib keeps nothing back but what is behind a final block.
            position += len(given) - len(stream.unused_data)
            if inflated:
                room -= len(inflated)
                self._remember(inflated)
                yield inflated

    def finish(self) -> None:
        """End the message, of which `TAIL` was the last piece.

        Raises:
            InvalidData: something is missing.
        """
        stream, self._stream = self._stream, None
        self._final_blocks = 0
        if stream is None or not stream.eof:
            raise InvalidData("compressed data ends inside a block (RFC 7692 §7.2.2)")

    def _open(self) -> _Stream:
        # Always with the greatest window: with less, zlib would find a reference that is too long
        # in some splits of a message, and in others not. What is kept between messages is bounded.
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

    It holds no state of zlib's before the first one, and without takeover none at all.

    Args:
        window_bits: of our window, 9 to 15.
        takeover: whether a message refers to earlier ones. Then each must be sent, in order.
        memory_level: zlib's, 1 to 9.
        threshold: messages of fewer bytes are not worth it.
    """

    __slots__ = ("_memory_level", "_stream", "_takeover", "_threshold", "_window_bits")

    def __init__(
        self, window_bits: int, *, takeover: bool, memory_level: int, threshold: int
    ) -> None:
        self._window_bits = window_bits
        self._takeover = takeover
        self._memory_level = memory_level
        # An empty message cannot become less; and zlib says nothing at all when it is flushed
        # twice.
        self._threshold = max(threshold, 1)
        self._stream: _Compressor | None = None

    @property
    def variant(self) -> Hashable | None:
        """Equal for all that make the same bytes of any message; None with takeover."""
        if self._takeover:
            return None
        return (NAME, self._window_bits, self._memory_level, self._threshold)

    def takes(self, size: int) -> bool:
        """Tell whether a message of that many bytes is compressed."""
        return size >= self._threshold

    def deflate(self, payload: bytes | bytearray | memoryview) -> bytes:
        """Return a message compressed. RFC 7692 §7.2.1."""
        stream = self._stream or zlib.compressobj(
            zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -self._window_bits, self._memory_level
        )
        if self._takeover:
            self._stream = stream
        return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[: -len(_EMPTY_BLOCK)]
