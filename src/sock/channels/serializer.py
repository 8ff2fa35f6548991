r"""The serializers: what the frames of the protocol look like, in its two versions.

    version  text                                            binary
    -------  ----------------------------------------------  ----------------------------------
    1        {"topic", "event", "payload", "ref"[, "join_ref"]}  none
    2        [join_ref, ref, topic, event, payload]          a kind, lengths, fields, the payload

    binary of version 2   direction         its head, a byte for each    its fields
    --------------------  ----------------  ---------------------------  --------------------------
    0 push                client to server  0, four lengths              join_ref ref topic event
    0 push                server to client  0, three lengths             join_ref topic event
    1 reply               server to client  1, four lengths              join_ref ref topic status
    2 broadcast           server to client  2, two lengths               topic event

Lengths count bytes of UTF-8. A broadcast travels through the pubsub as the frame of version
2, so peers that speak this version get it as it is. `V1().broadcast` makes the other one of it.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from sock.spec import InvalidMessage
from sock.spec.request import text_of
from sock.typed import Codec

from .message import REPLY, Broadcast, Frame, Message
from .payload_type import ANYTHING

try:
    from msgspec import Raw, Struct, json
except ImportError as error:
    raise ImportError("msgspec is not installed: pip install 'sockpy[channels]'") from error

PUSH_KIND: Final = 0
REPLY_KIND: Final = 1
BROADCAST_KIND: Final = 2

_ANY: Final[Codec[Any]] = Codec[Any](ANYTHING)
_FIVE: Final = json.Decoder(tuple[Any, Any, Any, Any, Raw])
_SEVERAL: Final = json.Decoder(list[Raw])

_BINARY: Final[tuple[type[Any], ...]] = (bytes, bytearray, memoryview)


class _First(Struct):
    """A frame of version 1 from a client."""

    topic: Any
    event: Any
    payload: Raw
    ref: Any
    join_ref: Any = None


_FIRST: Final = json.Decoder(_First)


class Serializer(Protocol):
    """Reads the frames of clients and writes those for them. It has no state."""

    def accepts(self, version: tuple[int, int, int]) -> bool:
        """Tell whether this serializer speaks a version that a client has named."""
        ...

    def decode(self, frame: Frame, /) -> Message:
        """Return what a frame of a client says.

        Raises:
            InvalidMessage: it is no frame of this version.
        """
        ...

    def message(self, join_ref: Any, ref: Any, topic: Any, event: str, payload: Any, /) -> Frame:
        """Return the frame of a push.

        Its payload is a value that becomes a JSON object, or bytes.

        Raises:
            TypeError: the payload is neither.
            ValueError: a field of a binary frame is too long.
        """
        ...

    def reply(self, join_ref: Any, ref: Any, topic: Any, status: str, response: Any, /) -> Frame:
        """Return the frame of a reply; its response is any JSON value, or bytes.

        Raises:
            TypeError: the response is neither.
            ValueError: a field of a binary frame is too long.
        """
        ...

    def broadcast(self, frame: Frame, /) -> Frame | None:
        """Return what a peer gets of a broadcast; None if nothing.

        Args:
            frame: of version 2.
        """
        ...


class V2:
    """The second version: arrays as text, and binary frames.

    >>> V2().message("5", None, "room:1", "news", {"n": 1})
    '["5",null,"room:1","news",{"n":1}]'
    """

    def accepts(self, version: tuple[int, int, int]) -> bool:
        """Tell whether this is a version 2.0.x."""
        return version[:2] == (2, 0)

    def decode(self, frame: Frame, /) -> Message:
        """Return what a frame of a client says."""
        if isinstance(frame, bytes):
            return self.decode_binary(frame)
        try:
            join_ref, ref, topic, event, payload = _FIVE.decode(frame)
        except (ValueError, RecursionError):
            join_ref, ref, topic, event, payload = _five_of_several(frame)
        return Message(join_ref, ref, topic, event, bytes(payload))

    def decode_binary(self, frame: bytes) -> Message:
        """Return what a binary frame of a client says.

        Raises:
            InvalidMessage: it is of another kind than a push, or too short.
        """
        if not frame or frame[0] != PUSH_KIND:
            raise InvalidMessage("a binary frame of an unknown kind")
        (join_ref, ref, topic, event), payload = unpacked(frame, 4)
        return Message(join_ref or None, ref or None, topic, event, payload, binary=True)

    def message(self, join_ref: Any, ref: Any, topic: Any, event: str, payload: Any, /) -> Frame:
        """Return the frame of a push. A binary one has no `ref`."""
        if isinstance(payload, _BINARY):
            return packed(PUSH_KIND, (join_ref, topic, event), _as_bytes(payload))
        return _text([join_ref, ref, topic, event, Raw(json_object(payload))])

    def reply(self, join_ref: Any, ref: Any, topic: Any, status: str, response: Any, /) -> Frame:
        """Return the frame of a reply."""
        if isinstance(response, _BINARY):
            return packed(REPLY_KIND, (join_ref, ref, topic, status), _as_bytes(response))
        return _text([join_ref, ref, topic, REPLY, {"status": status, "response": response}])

    def broadcast(self, frame: Frame, /) -> Frame | None:
        """Return the frame as it is."""
        return frame


class V1:
    """The first version: objects as text. It has no binary frames.

    >>> V1().message("5", None, "room:1", "news", {"n": 1})
    '{"topic":"room:1","event":"news","payload":{"n":1},"ref":null}'
    """

    def accepts(self, version: tuple[int, int, int]) -> bool:
        """Tell whether this is a version 1.0.x."""
        return version[:2] == (1, 0)

    def decode(self, frame: Frame, /) -> Message:
        """Return what a frame of a client says."""
        if isinstance(frame, bytes):
            raise InvalidMessage("version 1 has no binary frames")
        try:
            found = _FIRST.decode(frame)
        except (ValueError, RecursionError) as error:
            raise InvalidMessage(f"no frame of version 1: {error}"[:80]) from None
        return Message(found.join_ref, found.ref, found.topic, found.event, bytes(found.payload))

    def message(self, join_ref: Any, ref: Any, topic: Any, event: str, payload: Any, /) -> Frame:  # noqa: ARG002 - it is not said in this version
        """Return the frame of a push."""
        return _first(topic, event, _json_only(payload), ref)

    def reply(self, join_ref: Any, ref: Any, topic: Any, status: str, response: Any, /) -> Frame:  # noqa: ARG002 - as above
        """Return the frame of a reply."""
        if isinstance(response, _BINARY):
            raise TypeError("version 1 has no binary replies")
        payload = _ANY.encode({"status": status, "response": response})
        return _first(topic, REPLY, payload, ref)

    def broadcast(self, frame: Frame, /) -> Frame | None:
        """Return the frame in this version; nothing of a binary one."""
        found = decode_broadcast(frame)
        if found.binary:
            return None
        return _first(found.topic, found.event, found.payload, None)


def encode_broadcast(topic: str, event: str, payload: Any) -> Frame:
    """Return a broadcast as it travels: as a frame of version 2.

    Raises:
        TypeError: the payload is neither a JSON object nor bytes.
        ValueError: a field of a binary frame is too long.

    >>> encode_broadcast("room:1", "new_msg", {"body": "hi"})
    '[null,null,"room:1","new_msg",{"body":"hi"}]'
    """
    if isinstance(payload, _BINARY):
        return packed(BROADCAST_KIND, (topic, event), _as_bytes(payload))
    return _text([None, None, topic, event, Raw(json_object(payload))])


def decode_broadcast(frame: Frame) -> Broadcast:
    """Return what was broadcast.

    Raises:
        InvalidMessage: it was not made by `encode_broadcast`.
    """
    if isinstance(frame, bytes):
        if frame[:1] != bytes((BROADCAST_KIND,)):
            raise InvalidMessage("no broadcast")
        (topic, event), payload = unpacked(frame, 2)
        return Broadcast(topic, event, payload, binary=True)
    message = V2().decode(frame)
    if not isinstance(message.topic, str) or not isinstance(message.event, str):
        raise InvalidMessage("no broadcast")
    return Broadcast(message.topic, message.event, message.payload)


def json_object(payload: Any) -> bytes:
    """Return a payload as JSON.

    Raises:
        TypeError: it is no object, or cannot be written as JSON.
    """
    encoded = _ANY.encode(payload)
    if encoded[:1] != b"{":
        raise TypeError(
            f"a payload is a mapping, a struct or bytes, not {type(payload).__name__!r}"
        )
    return encoded


def packed(kind: int, fields: tuple[Any, ...], payload: bytes) -> bytes:
    r"""Return a binary frame: its kind, the lengths of its fields, the fields, the payload.

    Args:
        kind: the first byte.
        fields: texts; None is an empty one.
        payload: the rest.

    Raises:
        ValueError: a field has more than 255 bytes.

    >>> packed(2, ("room:1", "blob"), b"\x01")
    b'\x02\x06\x04room:1blob\x01'
    """
    encoded = [b"" if one is None else str(one).encode() for one in fields]
    if too_long := [one for one in encoded if len(one) > 255]:
        raise ValueError(f"a field of {len(too_long[0])} bytes, and a binary frame has 255 for one")
    head = bytes((kind, *map(len, encoded)))
    return b"".join((head, *encoded, payload))


def unpacked(frame: bytes, count: int) -> tuple[list[str], bytes]:
    """Return the fields of a binary frame, and its payload.

    Raises:
        InvalidMessage: the frame is too short.
    """
    at = 1 + count
    if len(frame) < at + sum(frame[1:at]):
        raise InvalidMessage("a binary frame that is too short")
    fields: list[str] = []
    for length in frame[1:at]:
        # Before 1.8, phoenix.js wrote a byte for each character, which is Latin-1.
        fields.append(text_of(frame[at : at + length]))
        at += length
    return fields, frame[at:]


def _five_of_several(frame: str) -> tuple[Any, Any, Any, Any, Raw]:
    """Return the first five elements of a frame that has more."""
    try:
        several = _SEVERAL.decode(frame)
        join_ref, ref, topic, event = map(json.decode, several[:4])
        payload = several[4]
    except (ValueError, RecursionError, IndexError):
        raise InvalidMessage("no array of five elements") from None
    return join_ref, ref, topic, event, payload


def _as_bytes(payload: Any) -> bytes:
    return bytes(payload)


def _json_only(payload: Any) -> bytes:
    if isinstance(payload, _BINARY):
        raise TypeError("version 1 has no binary pushes")
    return json_object(payload)


def _first(topic: Any, event: str, payload: bytes, ref: Any) -> str:
    fields = {"topic": topic, "event": event, "payload": Raw(payload), "ref": ref}
    return _ANY.encode(fields).decode()


def _text(fields: list[Any]) -> str:
    return _ANY.encode(fields).decode()
