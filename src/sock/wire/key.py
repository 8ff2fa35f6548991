"""The answer to the key of an opening handshake. RFC 6455 §4.2.2."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from typing import Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


def accept_token(key: str) -> bytes:
    """Return the value of `Sec-WebSocket-Accept` for a key.

    >>> accept_token("dGhlIHNhbXBsZSBub25jZQ==")
    b's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

    RFC 6455 §4.2.2.
    """
    return b64encode(sha1(key.encode() + _GUID, usedforsecurity=False).digest())
