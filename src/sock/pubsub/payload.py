"""The messages of a PubSub, as values and as bytes.

the message is  its kind  its bytes               attached, its peer gets
--------------  --------  ----------------------  -----------------------
a str           TEXT      UTF-8                   text
bytes           BINARY    as they are             binary
another type    JSON      what `sock.typed` says  text
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias, final

from sock.spec import InvalidMessage, Prepared
from sock.typed import Codec

TEXT: Final = 0
BINARY: Final = 1
JSON: Final = 2
PRESENCE: Final = 3
"""What one Presence says to another: no message."""

_NAMES: Final = {TEXT: "text", BINARY: "binary", JSON: "JSON", PRESENCE: "of a Presence"}


class AsInfo(NamedTuple):
    """An info, which the `encode` of `PubSub.attach` returns in the place of a message.

    It goes to `handle_info` of the connections, and not to their peers. It is made once for all
    connections with the same function.

    >>> AsInfo("join me").info
    'join me'
    """

    info: Any


Encoded: TypeAlias = str | bytes | AsInfo | None
"""What an `encode` returns: what the peer gets, an info for the handler, or None for nothing."""


@final
class Payloads:
    """Encodes and decodes the messages of one PubSub.

    Args:
        kind: `str` or `bytes`, or what a `Codec` takes; None for both of the first two.

    Raises:
        ImportError: msgspec is not installed, which another type needs.
        TypeError: the type cannot be told from JSON.
    """

    def __init__(self, kind: type[Any] | None = None) -> None:
        self._takes_text = kind in {None, str}
        self._takes_binary = kind in {None, bytes}
        self._codec: Codec[Any] | None = None
        if kind is not None and kind not in {str, bytes}:
            self._codec = Codec(kind)

    def encode(self, message: Any) -> tuple[int, bytes]:
        """Return the kind of a message, and its bytes.

        Raises:
            TypeError: it is no message of this PubSub.
            ValueError: it is a text with a lone surrogate.
        """
        if self._codec is not None:
            return JSON, self._codec.encode(message)
        if isinstance(message, str) and self._takes_text:
            return TEXT, message.encode()
        if isinstance(message, bytes) and self._takes_binary:
            return BINARY, message
        kinds = {"str": self._takes_text, "bytes": self._takes_binary}
        wanted = " and ".join(name for name, taken in kinds.items() if taken)
        raise TypeError(
            f"this PubSub carries {wanted}, not {type(message).__name__!r}: PubSub(kind=…) declares"
            " another type"
        )

    def decode(self, kind: int, data: bytes) -> Any:
        """Return the message that another process has encoded.

        Raises:
            ValueError: it is no message of this PubSub.
        """
        if kind == JSON and self._codec is not None:
            try:
                return self._codec.decode(data)
            except InvalidMessage as error:
                raise ValueError(str(error)) from None
        if kind == TEXT and self._takes_text:
            return data.decode()
        if kind == BINARY and self._takes_binary:
            return data
        taken = [JSON] if self._codec is not None else []
        taken += [TEXT] * self._takes_text + [BINARY] * self._takes_binary
        wanted = " and ".join(_NAMES[one] for one in taken)
        came = _NAMES.get(kind, f"of the kind {kind}")
        raise ValueError(f"it is {came}, and this PubSub takes {wanted}")


def whole(kind: int, data: bytes) -> Prepared:
    """Return a message as an attached peer gets it."""
    return Prepared(data if kind == BINARY else data.decode())
