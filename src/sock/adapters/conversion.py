"""Conversion of responses and addresses between Sock's form and the form that other servers use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sock.hosting.content import content_of as content_of
from sock.hosting.content import headers_of as headers_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def for_latin_1(value: str) -> str:
    """Return a header's value for a server that encodes it as Latin-1, so that UTF-8 is sent."""
    return value.encode().decode("latin-1")


def address_of(given: Any) -> tuple[str, int] | None:
    """Return a transport's address as host and port, or None for one that has no host and port."""
    address = cast("Sequence[Any]", given if isinstance(given, (tuple, list)) else ())
    if len(address) < 2 or address[1] is None:
        return None
    return str(address[0]), int(address[1])


def type_name(value: object) -> str:
    """Return the full name of a value's type, for an error about a value of the wrong type."""
    kind = value.__class__  # of a proxy, this is the class of the object behind it
    return f"{kind.__module__}.{kind.__qualname__}"
