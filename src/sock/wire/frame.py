"""Frames, as far as both parser and writer need them: kinds, heads, the Close frame, the errors.

RFC 6455 §5.2.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, NamedTuple, final

from sock.spec.close_code import CloseCode, may_travel
from sock.spec.errors import InvalidData, MessageTooBig, ProtocolError
from sock.spec.message import MAX_CONTROL_PAYLOAD, Ping, Pong


@final
class Opcode(IntEnum):
    """The kind of a frame. RFC 6455 §5.2, §11.8."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


FIN: Final = 0x80
"""The bit in the first byte of the last frame of a message."""

RSV1: Final = 0x40
"""The bit in the first byte of the first frame of a compressed message (RFC 7692 §7.2.3)."""

MASKED: Final = 0x80
"""The bit in the second byte of a frame from a client."""

UNLIMITED: Final = 1 << 62
"""Stands for no limit of bytes or fragments: 4 EiB. Even one more is a valid length for zlib."""

NOT_UTF8: Final = "text is not UTF-8 (RFC 6455 §8.1)"

TEXT_HEADS: Final = tuple(bytes((FIN | Opcode.TEXT, size)) for size in range(126))
"""The heads of whole text messages of a server under 126 bytes, by size."""


_OPCODES: Final = frozenset(Opcode)

# Members of an enumeration are looked up through its metaclass. In compiled code that takes eight
# hundred instructions, and each Close frame needs four of them (bench, connect).
_CLOSE: Final = Opcode.CLOSE
_PING: Final = Opcode.PING
_PONG: Final = Opcode.PONG
_NO_STATUS: Final = CloseCode.NO_STATUS_RCVD
_new_tuple: Final[Any] = tuple[Any, ...].__new__


class Close(NamedTuple):
    """A Close frame of the peer.

    Attributes:
        code: its close code; 1005 if it has none.
        detail: the text behind the code.
        forbidden: whether it has a code that must not be sent, such as 1005.

    >>> Close(1000, "bye").answer, Close(1005, "").answer, Close(1006, "", forbidden=True).answer
    (1000, None, 1002)

    RFC 6455 §5.5.1, §7.1.5.
    """

    code: int
    detail: str
    forbidden: bool = False

    @property
    def answer(self) -> int | None:
        """The code of our Close frame in return; None if it is to have no code."""
        if self.code == _NO_STATUS and not self.forbidden:
            return None
        return self.code if may_travel(self.code) else int(CloseCode.PROTOCOL_ERROR)


def head(first: int, size: int, masked: int = 0) -> bytes:
    """Return the head of a frame, without the masking key.

    Args:
        first: its first byte, with FIN, RSV1 and opcode.
        size: the bytes of the payload.
        masked: `MASKED` for a client's frame.

    >>> head(FIN | Opcode.BINARY, 256).hex()
    '827e0100'

    RFC 6455 §5.2.
    """
    if size < 126:
        return bytes((first, masked | size))
    if size < 0x10000:
        return bytes((first, masked | 126)) + size.to_bytes(2, "big")
    return bytes((first, masked | 127)) + size.to_bytes(8, "big")


def check_head(
    first: int,
    second: int,
    masked: int,
    compressed: bool,  # noqa: FBT001 - called for each frame, where keywords cost time
    continued: bool,  # noqa: FBT001 - called for each frame, where keywords cost time
) -> None:
    """Refuse a frame whose first two bytes are not allowed here.

    Args:
        first: the first byte, with FIN, the reserved bits and the opcode.
        second: the second byte, with the bit of the mask and a length up to 125, 126 or 127.
        masked: `MASKED` if the peer must mask, or 0 if it must not.
        compressed: whether compression was agreed on.
        continued: whether a message is incomplete.

    Raises:
        ProtocolError: the frame breaks a rule.

    RFC 6455 §5.
    """
    opcode = first & 0x0F
    if opcode not in _OPCODES:
        # "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket
        # Connection_."
        raise ProtocolError(f"unknown opcode {opcode:#x} (RFC 6455 §5.2)")
    # RFC 6455 §5.2: "MUST be 0 unless an extension is negotiated that defines meanings for
    # non-zero values."
    if first & 0x30:
        raise ProtocolError("RSV2 or RSV3 is set (RFC 6455 §5.2)")
    if first & RSV1:
        if not compressed:
            raise ProtocolError("RSV1 is set without agreed compression (RFC 6455 §5.2)")
        if opcode not in (Opcode.TEXT, Opcode.BINARY):
            # RFC 7692 §6.1: an endpoint MUST NOT set it on "control frames and non-first
            # fragments of a data message".
            raise ProtocolError("RSV1 is set on a frame that begins no message (RFC 7692 §6.1)")
    if second & MASKED != masked:
        # RFC 6455 §5.1: "The server MUST close the connection upon receiving a frame that is
        # not masked. … A client MUST close a connection if it detects a masked frame."
        state = "unmasked frame from a client" if masked else "masked frame from a server"
        raise ProtocolError(f"{state} (RFC 6455 §5.1)")
    if opcode >= _CLOSE:
        # RFC 6455 §5.5: "All control frames MUST have a payload length of 125 bytes or less and
        # MUST NOT be fragmented."
        if second & 0x7F > MAX_CONTROL_PAYLOAD:
            raise ProtocolError("control frame of more than 125 bytes (RFC 6455 §5.5)")
        if not first & FIN:
            raise ProtocolError("fragmented control frame (RFC 6455 §5.5)")
    elif opcode == Opcode.CONTINUATION:
        if not continued:
            raise ProtocolError("continuation frame without a message to continue (RFC 6455 §5.4)")
    elif continued:
        # RFC 6455 §5.4: "The fragments of one message MUST NOT be interleaved between the
        # fragments of another".
        raise ProtocolError("another message begins inside a fragmented one (RFC 6455 §5.4)")


def check_length(size: int, extra: int) -> None:
    """Refuse a length that takes more bytes than it needs.

    Args:
        size: the length.
        extra: how many bytes it took, 2 or 8.

    Raises:
        ProtocolError: the frame breaks a rule.

    RFC 6455 §5.2.
    """
    # RFC 6455 §5.2: "the minimal number of bytes MUST be used to encode the length" and, of eight
    # bytes, "the most significant bit MUST be 0".
    if size < (126 if extra == 2 else 0x10000):
        raise ProtocolError(
            f"a length of {size} takes {extra} bytes, more than it needs (RFC 6455 §5.2)"
        )
    if size >> 63:
        raise ProtocolError("a length of more than 63 bits (RFC 6455 §5.2)")


def control(opcode: int, payload: bytes) -> Ping | Pong | Close:
    r"""Return a control frame as an event.

    Raises:
        ProtocolError: a Close frame has half a code.
        InvalidData: the detail of a Close frame is not UTF-8.

    >>> control(Opcode.CLOSE, b"\x03\xe8bye")
    Close(code=1000, detail='bye', forbidden=False)

    RFC 6455 §5.5.
    """
    if opcode == _PING:
        return Ping(payload)
    if opcode == _PONG:
        return Pong(payload)
    if not payload:
        return Close(_NO_STATUS, "")
    if len(payload) == 1:
        # RFC 6455 §5.5.1: "the first two bytes of the body MUST be a 2-byte unsigned integer".
        raise ProtocolError("Close frame with half a close code (RFC 6455 §5.5.1)")
    code = int.from_bytes(payload[:2], "big")
    try:
        detail = payload[2:].decode()
    except UnicodeDecodeError:
        raise InvalidData(NOT_UTF8) from None
    # The constructor of a NamedTuple is a Python function, which costs four times as much as the
    # tuple (bench, connect).
    close: Close = _new_tuple(Close, (code, detail, not may_travel(code)))
    return close


def too_big(limit: int) -> MessageTooBig:
    """Return the error for a message over `max_message_size`."""
    return MessageTooBig(f"message of more than {limit} bytes (RFC 6455 §10.4)")


def too_many(limit: int) -> MessageTooBig:
    """Return the error for a message in more parts than `max_fragments`."""
    return MessageTooBig(f"message in more than {limit} fragments (RFC 6455 §10.4)")
