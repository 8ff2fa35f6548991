"""How a handler's mistakes and a peer's are put into words."""

from __future__ import annotations

from types import GeneratorType

from sock.spec import UnsupportedData


def described(value: object) -> str:
    """Name what a handler gave, with the usual cause where there is one.

    >>> described({}), described(n for n in ())
    ("'dict'", 'a generator (was `async def` meant?)')
    """
    if isinstance(value, GeneratorType):
        return "a generator (was `async def` meant?)"
    return f"{type(value).__name__!r}"


def unsupported(message: str | bytes) -> UnsupportedData:
    """Tell a peer what is not taken from it.

    >>> unsupported(b"")
    UnsupportedData('no binary messages are taken here (RFC 6455 §7.4.1)')
    """
    kind = "text" if isinstance(message, str) else "binary"
    return UnsupportedData(f"no {kind} messages are taken here (RFC 6455 §7.4.1)")
