"""The words for mistakes of a handler or of a peer."""

from __future__ import annotations

from types import GeneratorType

from sock.spec import UnsupportedData


def described(value: object) -> str:
    """Return the type of a wrong value, with the usual cause where there is one.

    >>> described(7), described({}), described(n for n in ())
    ("'int'", 'a dict (was a JsonSock meant?)', 'a generator (was `async def` meant?)')
    """
    if isinstance(value, GeneratorType):
        return "a generator (was `async def` meant?)"
    if isinstance(value, dict):
        return "a dict (was a JsonSock meant?)"
    return f"{type(value).__name__!r}"


def unsupported(message: str | bytes) -> UnsupportedData:
    """Return the error for a peer whose kind of message the handler does not take.

    >>> unsupported(b"")
    UnsupportedData('this address takes no binary messages (RFC 6455 §7.4.1)')
    """
    kind = "text" if isinstance(message, str) else "binary"
    return UnsupportedData(f"this address takes no {kind} messages (RFC 6455 §7.4.1)")
