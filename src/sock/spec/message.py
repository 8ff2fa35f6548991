"""The messages of a connection: text, binary, and the control frames an application may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

from .exact import exact_bytes, exact_content

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MAX_CONTROL_PAYLOAD = 125  # RFC 6455 §5.5


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A text message that is encoded already.

    It is meant for bytes that are known to be UTF-8, such as the output of a JSON encoder, and
    saves decoding and encoding them. The bytes are sent unchanged, so the application must make
    sure that they are UTF-8.

    Args:
        utf8: the encoded text.

    Raises:
        TypeError: it is not bytes.

    >>> Text(b'{"ok":true}')
    Text(utf8=b'{"ok":true}')

    RFC 6455 §5.6.
    """

    utf8: bytes

    def __post_init__(self) -> None:
        _check_bytes("a Text", self.utf8)
        if type(self.utf8) is not bytes:
            object.__setattr__(self, "utf8", exact_bytes(self.utf8))


@final
@dataclass(frozen=True, slots=True)
class Ping:
    """A ping: pushed to ask the peer for a pong, or received and given to `handle_control`.

    The host answers a received ping before `handle_control` gets it.

    Args:
        payload: at most 125 bytes; the pong has the same.

    Raises:
        ValueError: the payload is too long.
        TypeError: it is not bytes.

    >>> Ping(b"there?")
    Ping(payload=b'there?')

    RFC 6455 §5.5.2.
    """

    payload: bytes = b""

    def __post_init__(self) -> None:
        _check_payload(self)


@final
@dataclass(frozen=True, slots=True)
class Pong:
    """A pong: the answer to a ping, or a sign of life that is pushed without a ping.

    Args:
        payload: at most 125 bytes.

    Raises:
        ValueError: the payload is too long.
        TypeError: it is not bytes.

    >>> Pong()
    Pong(payload=b'')

    RFC 6455 §5.5.3.
    """

    payload: bytes = b""

    def __post_init__(self) -> None:
        _check_payload(self)


@final
class Prepared:
    """A message that is encoded at most once, however many connections push it.

    Make one and push it to thousands of connections. The first connection that needs an encoding of
    it (plain, compressed) makes it, and it is kept here for the others as long as the `Prepared`
    lives. Two of them with the same message are equal. A copy or a pickle has the message without
    its encodings.

    Args:
        message: text or binary.

    Raises:
        TypeError: it is neither `str` nor `bytes`. Another type could change after it was encoded.

    >>> Prepared("score: 3-1")
    Prepared('score: 3-1')
    """

    __slots__ = ("_message", "_payload_bytes", "encodings")
    __match_args__ = ("message",)

    def __init__(self, message: str | bytes, /) -> None:
        _check_message(message)
        self._message = exact_content(message)
        self._payload_bytes: int | None = None
        self.encodings: dict[Hashable, bytes] = {}
        """The frames of each variant that was needed so far. For hosts, which use `encoded`."""

    @property
    def message(self) -> str | bytes:
        """The message, which never changes."""
        return self._message

    @property
    def payload_bytes(self) -> int:
        """The bytes of the message, in UTF-8 if it is text. For hosts, which count them."""
        if self._payload_bytes is None:
            message = self._message
            encoded = message.encode() if isinstance(message, str) else message
            self._payload_bytes = len(encoded)
        return self._payload_bytes

    def encoded(self, variant: Hashable, encode: Callable[[], bytes]) -> bytes:
        """Return the frames of one variant; `encode` makes them at the first call. For hosts."""
        encoding = self.encodings.get(variant)
        if encoding is None:
            encoding = self.encodings[variant] = encode()
        return encoding

    def __eq__(self, other: object) -> bool:
        return self.message == other.message if isinstance(other, Prepared) else NotImplemented

    def __hash__(self) -> int:
        return hash((Prepared, self.message))

    def __reduce__(self) -> tuple[Any, ...]:
        return Prepared, (self.message,)

    def __repr__(self) -> str:
        return f"Prepared({self.message!r})"


@final
class Whole:
    """A message for the peer that no `handle_info` sees, though it comes as an info. For hosts.

    Args:
        message: is pushed as if a callback had returned it.
    """

    __slots__ = ("message",)

    def __init__(self, message: Prepared) -> None:
        self.message = message


Message: TypeAlias = str | bytes | bytearray | memoryview | Text | Ping | Pong | Prepared
"""A message that may be pushed.

`str` and `Text` are sent as text; `bytes`, `bytearray` and `memoryview` as binary.
"""

MESSAGE_TYPES = (str, bytes, Prepared, Text, bytearray, memoryview, Ping, Pong)
"""The types of `Message`, for `isinstance`."""


def _check_message(message: object) -> None:
    if not isinstance(message, (str, bytes)):
        raise TypeError(f"a Prepared is made of str or bytes, not {message!r}")


def _check_bytes(what: str, value: object) -> None:
    if not isinstance(value, bytes):
        raise TypeError(f"{what} is made of bytes, not {value!r}")


def _check_payload(frame: Ping | Pong) -> None:
    payload = frame.payload
    _check_bytes("a payload", payload)
    if type(payload) is not bytes:  # a subclass may lie about its length
        payload = bytes(exact_bytes(payload))
        object.__setattr__(frame, "payload", payload)
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError(
            f"a control frame carries at most 125 bytes, not {len(payload)} (RFC 6455 §5.5)"
        )
