"""A message between two processes: msgpack, as an array whose first item is the version.

item      what it is
--------  ----------------------------------------------------------------------------
version   1; a message of another version is dropped, and counted
sender    8 bytes, random for each process and event loop
sequence  counts the messages of this sender on this topic, from 1; 0 is not counted (1)
topic     the topic
kind      of the payload, as `payload` says
payload   the message

(1) `publish` sends one message and ends, so there is nothing to be missed before it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION: Final = 1

_SENDER_SIZE: Final = 8
_ITEMS: Final = (int, bytes, int, str, int, bytes)


class Envelope(NamedTuple):
    """A message between two processes."""

    version: int
    sender: bytes
    sequence: int
    topic: str
    kind: int
    payload: bytes


class Coder(NamedTuple):
    """Writes and reads envelopes."""

    encode: Callable[[Envelope], bytes]
    decode: Callable[[bytes], Any]


def coder() -> Coder:
    """Return what writes and reads envelopes.

    Raises:
        ImportError: msgspec is not installed.
    """
    try:
        from msgspec import msgpack
    except ImportError as error:
        raise ImportError("msgspec is not installed: pip install 'sockpy[pubsub]'") from error
    return Coder(msgpack.Encoder().encode, msgpack.Decoder().decode)


def opened(coder: Coder, data: bytes) -> Envelope:
    """Return the envelope that bytes from the backend are.

    Raises:
        ValueError: they are none, or one of another version.
    """
    try:
        items: Any = coder.decode(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no envelope: {error}") from None
    fields = cast("list[Any]", items) if isinstance(items, list) else []
    if fields[:1] != [VERSION]:
        raise ValueError(f"no envelope of version {VERSION}, but {str(fields[:1])[:20]}")
    if tuple(map(type, fields)) != _ITEMS:
        raise ValueError("an envelope with other items than it should have")
    envelope = Envelope(*fields)
    if len(envelope.sender) != _SENDER_SIZE or envelope.sequence < 0:
        raise ValueError("an envelope with another sender than it should have")
    return envelope
