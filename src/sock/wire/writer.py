"""Messages in, frames out. RFC 6455 §5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, final

from sock.spec.close_code import MAX_DETAIL, may_travel
from sock.spec.exact import exact_bytes, exact_text
from sock.spec.message import Ping, Pong, Prepared, Text

from .frame import FIN, MASKED, RSV1, TEXT_HEADS, Opcode, head
from .mask import unmask
from .traffic import SENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec.message import Message

    from .stream import Deflater

_Payload: TypeAlias = "bytes | bytearray | memoryview"

_TEXT: Final = FIN | Opcode.TEXT
_BINARY: Final = FIN | Opcode.BINARY
_PING: Final = FIN | Opcode.PING
_PONG: Final = FIN | Opcode.PONG
_CLOSE: Final = FIN | Opcode.CLOSE
_DATA: Final = (_TEXT, _BINARY)
PLAIN: Final = "plain"
"""The variant of a `Prepared` that is not compressed."""


@final
class Writer:
    r"""Turns the messages for one peer into frames, each message into one frame.

    Args:
        deflater: compresses, if that was agreed on; from now on it belongs to the writer.
        mask: returns a new key for each frame; for a client, which must mask.

    >>> out = bytearray()
    >>> Writer().push(out, "hi")
    >>> bytes(out)
    b'\x81\x02hi'

    RFC 6455 §5.2, §5.3.
    """

    __slots__ = ("_deflater", "_mask", "_plain", "messages", "payload_bytes")

    def __init__(
        self, *, deflater: Deflater | None = None, mask: Callable[[], bytes] | None = None
    ) -> None:
        self._deflater = deflater
        self._mask = mask
        self._plain = deflater is None and mask is None
        self.messages = 0
        """Messages that were pushed, without control frames."""
        self.payload_bytes = 0
        """The bytes of their payloads, before compression."""

    def push(self, out: bytearray, message: Message, /) -> None:
        """Append a message's frame. A payload is copied once, into `out`.

        Raises:
            UnicodeEncodeError: the text has a lone surrogate; nothing was appended.
            TypeError: the argument is not a message; nothing was appended.
        """
        if self._plain and type(message) is str:
            payload = message.encode()
            size = len(payload)
            # The table of heads makes this 0.2 µs for 64 bytes; `_append` takes 0.7 (CPython 3.11).
            out += TEXT_HEADS[size] if size < 126 else head(_TEXT, size)
            out += payload
            self.messages += 1
            self.payload_bytes += size
            SENT.messages += 1
            SENT.payload_bytes += size
            return
        if isinstance(message, Prepared):
            self._push_prepared(out, message)
            size = message.payload_bytes
        else:
            first, encoded = _encoded(message)
            size = len(encoded)
            self._append(out, first, encoded)
            if first not in _DATA:
                return
        self.messages += 1
        self.payload_bytes += size
        if self._mask is None:  # what a client of ours sends is not sent by this server
            SENT.messages += 1
            SENT.payload_bytes += size

    def close(self, out: bytearray, code: int | None, detail: str = "") -> None:
        """Append a Close frame.

        Args:
            out: the bytes to be sent, to which it is appended.
            code: the close code; None for a frame without code and detail.
            detail: the text behind the code. It is cut off between two characters, so that it has
                at most 123 bytes of UTF-8.

        Raises:
            ValueError: the code must not be sent (RFC 6455 §7.4.2); nothing was appended.
            UnicodeEncodeError: the detail has a lone surrogate; nothing was appended.

        RFC 6455 §5.5.1.
        """
        payload = b""
        if code is not None:
            if not may_travel(code):
                raise ValueError(f"the code {code} may not travel (RFC 6455 §7.4.2)")
            payload = code.to_bytes(2, "big")
            text = exact_text(detail)
            if text:  # most have none
                payload += text.encode()[:MAX_DETAIL].decode(errors="ignore").encode()
        self._append(out, _CLOSE, payload)

    def _push_prepared(self, out: bytearray, prepared: Prepared) -> None:
        variant = PLAIN if self._deflater is None else self._deflater.variant
        if self._mask is not None or variant is None:
            # The frame cannot be shared: it depends on a masking key, or on earlier messages.
            first, payload = _encoded(prepared.message)
            self._append(out, first, payload)
        else:
            out += prepared.encoded(variant, lambda: self._frame(prepared.message))

    def _frame(self, message: str | bytes) -> bytes:
        out = bytearray()
        first, payload = _encoded(message)
        self._append(out, first, payload)
        return bytes(out)

    def _append(self, out: bytearray, first: int, payload: _Payload) -> None:
        deflater = self._deflater
        if deflater is not None and first in _DATA and deflater.compresses(len(payload)):
            first |= RSV1
            payload = deflater.deflate(payload)
        if self._mask is None:
            out += head(first, len(payload))
            out += payload
        else:
            key = self._mask()
            out += head(first, len(payload), MASKED) + key
            out += unmask(bytes(payload), key)


def _encoded(message: Message) -> tuple[int, _Payload]:
    if isinstance(message, str):
        return _TEXT, exact_text(message).encode()
    if isinstance(message, (bytes, bytearray)):
        return _BINARY, exact_bytes(message)
    if isinstance(message, Text):
        return _TEXT, message.utf8
    if isinstance(message, memoryview):
        # If its items are not next to each other, the payload is a copy.
        return _BINARY, message.cast("B") if message.c_contiguous else message.tobytes()
    if isinstance(message, Ping):
        return _PING, message.payload
    if isinstance(message, Pong):
        return _PONG, message.payload
    raise TypeError(f"{type(message).__name__!r} is no message")
