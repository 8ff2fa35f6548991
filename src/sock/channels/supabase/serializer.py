"""What Supabase's clients write otherwise than Phoenix': two kinds of binary frames.

    kind         direction         its head, a byte for each                      its fields
    -----------  ----------------  ---------------------------------------------  -----------------
    3 broadcast  client to server  3, lengths of the fields, encoding             join_ref ref topic
                                                                                  event metadata
    4 broadcast  server to client  4, lengths of the fields, encoding             topic event
                                                                                  metadata

The encoding of the payload is 0 for bytes and 1 for JSON. The event is the user's own; both are
read as the event "broadcast". These clients know no other binary frames.

A broadcast with JSON travels as `{"type", "event", "payload"}`, as text: the clients take that too.
One with bytes travels as a binary payload, which `binary_payload` makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import json

from sock.channels.message import Message
from sock.channels.serializer import V1, V2, decode_broadcast, unpacked
from sock.spec import InvalidMessage

if TYPE_CHECKING:
    from sock.channels.message import Frame
    from sock.channels.serializer import Serializer

CLIENT_BROADCAST: Final = 3
SERVER_BROADCAST: Final = 4
BROADCAST: Final = "broadcast"
"""The event of all broadcasts; the user's own is in the payload."""

_BYTES: Final = 0
_JSON: Final = 1


def binary_payload(event: str, data: bytes) -> bytes:
    r"""Return the payload of a broadcast of bytes, for the event "broadcast".

    Args:
        event: the user's own event, at most 255 bytes.
        data: what the client gets.

    Raises:
        ValueError: the event is too long.

    >>> binary_payload("pixels", b"data")
    b'\x06pixelsdata'
    """
    encoded = event.encode()
    if len(encoded) > 255:
        raise ValueError(f"an event of {len(encoded)} bytes, and a binary frame has 255 for one")
    return bytes((len(encoded),)) + encoded + data


class SupabaseV2(V2):
    """The second version, as Supabase's clients speak it."""

    def decode_binary(self, frame: bytes) -> Message:
        """Return what a binary frame of a client says: a broadcast.

        Raises:
            InvalidMessage: it is of another kind, or too short.
        """
        if len(frame) < 7 or frame[0] != CLIENT_BROADCAST:
            raise InvalidMessage("a binary frame of an unknown kind")
        encoding = frame[6]
        (join_ref, ref, topic, event, _), payload = unpacked(frame[:6] + frame[7:], 5)
        if encoding == _JSON:
            payload = b'{"type":"broadcast","event":%b,"payload":%b}' % (
                json.encode(event),
                payload or b"{}",
            )
        elif encoding == _BYTES:
            payload = binary_payload(event, payload)
        else:
            raise InvalidMessage("a broadcast in an unknown encoding")
        binary = encoding == _BYTES
        return Message(join_ref or None, ref or None, topic, BROADCAST, payload, binary)

    def message(self, join_ref: Any, ref: Any, topic: Any, event: str, payload: Any, /) -> Frame:
        """Return the frame of a push. One of bytes is a broadcast."""
        if isinstance(payload, (bytes, bytearray, memoryview)):
            if event != BROADCAST:
                raise TypeError("clients of Supabase take bytes in a broadcast only")
            return _server_broadcast(str(topic), bytes(cast("bytes", payload)))
        return super().message(join_ref, ref, topic, event, payload)

    def reply(self, join_ref: Any, ref: Any, topic: Any, status: str, response: Any, /) -> Frame:
        """Return the frame of a reply, which is never binary."""
        if isinstance(response, (bytes, bytearray, memoryview)):
            raise TypeError("clients of Supabase take no binary replies")
        return super().reply(join_ref, ref, topic, status, response)

    def broadcast(self, frame: Frame, /) -> Frame | None:
        """Return what a peer gets of a broadcast: nothing of bytes with another event."""
        if isinstance(frame, str):
            return frame
        found = decode_broadcast(frame)
        return _server_broadcast(found.topic, found.payload) if found.event == BROADCAST else None


SERIALIZERS: Final[tuple[Serializer, ...]] = (V1(), SupabaseV2())
"""Both versions, for `Mount(serializers=…)`."""


def _server_broadcast(topic: str, payload: bytes) -> bytes:
    name = topic.encode()
    if not payload or len(payload) <= payload[0] or len(name) > 255:
        raise ValueError("bytes for a broadcast are made by binary_payload")
    head = bytes((SERVER_BROADCAST, len(name), payload[0], 0, _BYTES))
    return head + name + payload[1:]
