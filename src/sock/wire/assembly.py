"""A message that arrives in parts, which are checked as they arrive. RFC 6455 §5.4, §8.1."""

from __future__ import annotations

from codecs import utf_8_decode
from typing import TYPE_CHECKING, final

from sock.spec.errors import InvalidData

from .frame import NOT_UTF8, too_big, too_many
from .mask import rotate, unmask

if TYPE_CHECKING:
    from .stream import Inflater


@final
class Assembly:
    """An incomplete message. It has one buffer, however many parts the message arrives in.

    Args:
        text: whether it becomes a `str`; then the first byte that cannot be UTF-8 is an error.
        inflater: for a compressed message.
        max_size: the most bytes that the message may have, inflated.
        max_fragments: the most frames that the message may have, and the most final blocks if it is
            compressed.
    """

    __slots__ = (
        "_buffer",
        "_fragments",
        "_inflater",
        "_key",
        "_max_fragments",
        "_max_size",
        "_received",
        "_tail",
        "_text",
        "final",
        "left",
    )

    def __init__(
        self, *, text: bool, inflater: Inflater | None, max_size: int, max_fragments: int
    ) -> None:
        self.left = 0
        """How many bytes of the current frame have not arrived."""
        self.final = False
        """Whether the current frame is the last one of the message."""
        self._buffer = bytearray()
        self._key = b""
        self._text = text
        self._tail = b""
        self._inflater = inflater
        self._received = 0
        self._fragments = 0
        self._max_size = max_size
        self._max_fragments = max_fragments

    @property
    def size(self) -> int:
        """The bytes of the payload so far, inflated."""
        return len(self._buffer)

    def begin_frame(self, size: int, key: bytes, *, final: bool) -> None:
        """Take the head of the next frame.

        Args:
            size: the bytes of its payload on the wire.
            key: the key that masks it; empty if it is not masked.
            final: whether it is the last frame of the message.

        Raises:
            MessageTooBig: with this frame the message has too many frames, or too many bytes.
        """
        self._fragments += 1
        if self._fragments > self._max_fragments:
            raise too_many(self._max_fragments)
        allowed = self._max_size
        if self._inflater is not None:
            # Deflate adds 5 bytes to 64 KiB that it cannot compress, and a short message may have a
            # few empty blocks. A peer that adds more than that only wastes our time.
            allowed += self._max_size // 8 + 1024
        if size > allowed - self._received:  # a sum might not fit in a machine word
            raise too_big(self._max_size)
        self._received += size
        self.left = size
        self.final = final
        self._key = key

    def add(self, piece: bytes) -> None:
        """Take the next bytes of the current frame.

        Raises:
            InvalidData: they are not UTF-8, or cannot be inflated.
            MessageTooBig: inflated, the message has too many bytes.
        """
        size = len(piece)
        self.left -= size
        if self._key:
            piece, self._key = unmask(piece, self._key), rotate(self._key, size)
        if self._inflater is None:
            self._append(piece)
        else:
            self._inflate(self._inflater, piece)

    def finish(self) -> str | bytes:
        """Return the complete message.

        Raises:
            InvalidData: it ends inside a UTF-8 sequence or inside a block of compressed data.
            MessageTooBig: the end of the compressed data becomes a byte too many.
        """
        if self._inflater is not None:
            self._inflate(self._inflater, self._inflater.TAIL)
            self._inflater.finish()
        if not self._text:
            return bytes(self._buffer)
        if self._tail:
            raise InvalidData(NOT_UTF8)
        return self._buffer.decode()

    def _inflate(self, inflater: Inflater, piece: bytes) -> None:
        room = self._max_size - len(self._buffer)
        for inflated in inflater.inflate(piece, room, self._max_fragments):
            self._append(inflated)
            if len(self._buffer) > self._max_size:
                raise too_big(self._max_size)

    def _append(self, piece: bytes) -> None:
        if self._text:
            self._check(piece)
        self._buffer += piece

    def _check(self, piece: bytes) -> None:
        piece = self._tail + piece
        try:
            used = utf_8_decode(piece, "strict", False)[1]  # noqa: FBT003 - the codec takes `final` by position
        except UnicodeDecodeError:
            raise InvalidData(NOT_UTF8) from None
        self._tail = tail = piece[used:]
        # ED A0 … ED BF begin a surrogate, which UTF-8 does not have. The codec would notice that
        # with the third byte only.
        if len(tail) == 2 and tail[0] == 0xED and tail[1] >= 0xA0:
            raise InvalidData(NOT_UTF8)
