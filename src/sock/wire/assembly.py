"""A message that arrives in parts: what has come, checked as it comes. RFC 6455 §5.4, §8.1."""

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
    """One message in the making. It owns one buffer, however many parts the message comes in.

    Args:
        text: whether it becomes a `str`; then it fails with the first byte that can be no UTF-8.
        inflater: for a compressed message.
        max_size: bytes of the message, inflated.
        max_fragments: frames of the message; final blocks of a compressed one count the same way.
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
        """Bytes of the current frame that have not arrived."""
        self.final = False
        """Whether the current frame is the last one."""
        self._buffer = bytearray()
        self._key = b""
        self._text = text
        self._tail = b""
        self._inflater = inflater
        self._received = 0
        self._fragments = 0
        self._max_size = max_size
        self._max_fragments = max_fragments

    def begin_frame(self, size: int, key: bytes, *, final: bool) -> None:
        """Go on with another frame, of which the head has arrived.

        Args:
            size: of its payload, on the wire.
            key: that masks it; empty when it is not masked.
            final: whether it is the message's last.

        Raises:
            MessageTooBig: with this frame there are too many, or they hold too much.
        """
        self._fragments += 1
        if self._fragments > self._max_fragments:
            raise too_many(self._max_fragments)
        allowed = self._max_size
        if self._inflater is not None:
            # Deflate adds 5 bytes to 64 KiB that it cannot compress. What is above an eighth, and
            # above a few empty blocks of a short message, only wastes our time.
            allowed += self._max_size // 8 + 1024
        if size > allowed - self._received:  # the sum may be more than a machine word holds
            raise too_big(self._max_size)
        self._received += size
        self.left = size
        self.final = final
        self._key = key

    def add(self, piece: bytes) -> None:
        """Take the next bytes of the current frame.

        Raises:
            InvalidData: they are no UTF-8, or cannot be inflated.
            MessageTooBig: inflated, they are too many.
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
            MessageTooBig: the end of the compressed data is one byte too many.
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
            used = utf_8_decode(piece, "strict", False)[1]  # noqa: FBT003 - the codec's own signature: final
        except UnicodeDecodeError:
            raise InvalidData(NOT_UTF8) from None
        self._tail = tail = piece[used:]
        # The codec waits for a third byte after ED A0 … ED BF, which begin surrogates and so can
        # begin no UTF-8.
        if len(tail) == 2 and tail[0] == 0xED and tail[1] >= 0xA0:
            raise InvalidData(NOT_UTF8)
