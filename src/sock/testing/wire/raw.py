"""The bytes that a checker sends: requests and frames, right ones and wrong ones."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from sock.testing.peer import frame as frame
from sock.wire.frame import FIN, MASKED
from sock.wire.mask import unmask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .target import Target

KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of RFC 6455 §1.3."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""The opcodes. RFC 6455 §5.2."""

RSV1: Final = 4
"""The reserved bit of a compressed message, as `frame` takes it. RFC 7692 §6."""

_TAIL: Final = b"\x00\x00\xff\xff"


def fields(target: Target, change: Mapping[str, str | None] | None = None) -> list[str]:
    """Return the lines of an opening handshake's fields.

    Args:
        target: the server.
        change: for names of fields their values; None leaves a field out.
    """
    values: dict[str, str | None] = {
        "Host": target.authority,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **target.headers,
    }
    values |= change or {}
    return [f"{name}: {value}" for name, value in values.items() if value is not None]


def request(
    target: Target,
    change: Mapping[str, str | None] | None = None,
    *more: str,
    line: str | None = None,
) -> bytes:
    """Return an opening handshake. RFC 6455 §4.1.

    Args:
        target: the server.
        change: for names of fields other values; None leaves a field out.
        more: lines behind these fields.
        line: the request line; None for the usual one.
    """
    lines = [line or f"GET {target.path} HTTP/1.1", *fields(target, change), *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def frame_of_length(opcode: int, payload: bytes, extra: int, size: int | None = None) -> bytes:
    """Return a frame whose length takes 2 or 8 bytes, needed or not.

    Args:
        opcode: of the frame.
        payload: its bytes.
        extra: how many bytes the length takes.
        size: the length that is said; None for the true one.
    """
    key = b"\x37\xfa\x21\x3d"
    said = len(payload) if size is None else size
    head = bytes((FIN | opcode, MASKED | (126 if extra == 2 else 127))) + said.to_bytes(
        extra, "big"
    )
    return head + key + unmask(payload, key)


def frame_with_key(opcode: int, payload: bytes, key: bytes) -> bytes:
    """Return a short frame that is masked with a certain key."""
    return bytes((FIN | opcode, MASKED | len(payload))) + key + unmask(payload, key)


def fragments(opcode: int, parts: Iterable[bytes], *, rsv: int = 0) -> list[bytes]:
    """Return a message as one frame for each part."""
    pieces = list(parts)
    last = len(pieces) - 1
    return [
        frame(CONTINUATION if at else opcode, piece, fin=at == last, rsv=0 if at else rsv)
        for at, piece in enumerate(pieces)
    ]


def close(code: int | None = 1000, detail: bytes = b"") -> bytes:
    """Return a Close frame with any code; None for an empty one."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + detail)


def deflated(data: bytes, *, bits: int = 15, level: int = 6, final: bool = False) -> bytes:
    """Return a message compressed by itself. RFC 7692 §7.2.1.

    Args:
        data: the message.
        bits: of the window.
        level: of zlib; 0 writes stored blocks.
        final: whether the last block is marked as the last one, as §7.2.3.4 allows.
    """
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -bits)
    if final:
        return squeeze.compress(data) + squeeze.flush(zlib.Z_FINISH) + b"\x00"
    return (squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def bomb(size: int) -> bytes:
    """Return so many zero bytes, compressed twice as hard as any text."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(1 << 20)
    pieces = [squeeze.compress(block) for _ in range(size >> 20)]
    return b"".join(pieces) + squeeze.flush(zlib.Z_SYNC_FLUSH).removesuffix(_TAIL)
