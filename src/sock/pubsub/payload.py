"""The messages of a PubSub, as values and as bytes.

the message is  its kind  its bytes                    attached, its peer gets
--------------  --------  ---------------------------  -----------------------
a str           TEXT      UTF-8                        text
bytes           BINARY    as they are                  binary
"""

from __future__ import annotations

from typing import Any, Final, final

from sock.spec import Prepared

TEXT: Final = 0
BINARY: Final = 1


@final
class Payloads:
    """Encodes and decodes the messages of one PubSub.

    Args:
        kind: `str` or `bytes`; None for both.

    Raises:
        TypeError: it is another type.
    """

    def __init__(self, kind: type[Any] | None = None) -> None:
        if kind not in {None, str, bytes}:
            raise TypeError(f"a PubSub carries str and bytes, not {kind!r}")
        self._takes_text = kind is not bytes
        self._takes_binary = kind is not str

    def encode(self, message: Any) -> tuple[int, bytes]:
        """Return the kind of a message, and its bytes.

        Raises:
            TypeError: it is no message of this PubSub.
            ValueError: it is a text with a lone surrogate.
        """
        if isinstance(message, str) and self._takes_text:
            return TEXT, message.encode()
        if isinstance(message, bytes) and self._takes_binary:
            return BINARY, message
        wanted = [
            name
            for name, taken in (("str", self._takes_text), ("bytes", self._takes_binary))
            if taken
        ]
        raise TypeError(
            f"this PubSub carries {' and '.join(wanted)}, not {type(message).__name__!r}"
        )

    def decode(self, kind: int, data: bytes) -> Any:
        """Return the message that another process has encoded.

        Raises:
            ValueError: it is no message of this PubSub.
        """
        if kind == TEXT and self._takes_text:
            return data.decode()
        if kind == BINARY and self._takes_binary:
            return data
        raise ValueError(f"a message of the kind {kind}, which is not taken here")


def whole(kind: int, data: bytes) -> Prepared:
    """Return a message as an attached peer gets it."""
    return Prepared(data if kind == BINARY else data.decode())
