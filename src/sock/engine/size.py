"""The size of a message in bytes: in memory while it waits, and on the wire.

Every bound on messages in bytes uses these functions, so that all of them count alike.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sock.spec import Ping, Pong, Prepared, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sock.spec import Message


def size_of(message: str | bytes) -> int:
    """Return the bytes that a message occupies in memory, several a character if it is not ASCII.

    >>> size_of("a" * 1000), size_of("\N{GRINNING FACE}" * 1000) // 1000
    (1000, 4)
    """
    if isinstance(message, str) and not message.isascii():
        return sys.getsizeof(message)  # to encode it would take too long
    return len(message)


def encoded_size(message: Message) -> int:
    """Return the bytes of a message's payload on the wire, before any compression.

    Args:
        message: text, binary or a control frame. A long text that is not ASCII takes time.

    Raises:
        UnicodeEncodeError: the text has a lone surrogate, which UTF-8 cannot encode.

    >>> encoded_size("a" * 1000), encoded_size("\N{GRINNING FACE}" * 1000)
    (1000, 4000)
    """
    if isinstance(message, str):  # first, because it is the usual one
        return len(message) if message.isascii() else len(message.encode())
    if isinstance(message, Prepared):
        message = message.message
    elif isinstance(message, Text):
        message = message.utf8
    elif isinstance(message, (Ping, Pong)):
        message = message.payload
    if isinstance(message, str) and not message.isascii():
        return len(message.encode())
    if isinstance(message, memoryview):
        return message.nbytes
    return len(message)


def check_encodable(messages: Sequence[Message]) -> None:
    """Make sure that all of several messages can be encoded; otherwise none is sent [S2.7].

    A single message is not checked, because to push it is the same check.

    Raises:
        UnicodeEncodeError: a text has a lone surrogate.
        ValueError: a view was released.
    """
    if len(messages) > 1:
        for message in messages:
            encoded_size(message)
