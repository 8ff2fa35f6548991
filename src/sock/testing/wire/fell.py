"""How a server falls, and how a case is left out."""

from __future__ import annotations

from typing import Any


class Fell(AssertionError):
    """The server does something else.

    Args:
        expected: what the RFC asks for.
        seen: what the server did.
    """

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected = expected
        self.seen = seen


class Skipped(Exception):
    """The case cannot be tried with this server. The text says why."""


def told(value: Any, limit: int = 60) -> str:
    """Return text or bytes for a report: quoted, and cut.

    >>> told("hi"), told(b"ab"), told("x" * 100, 5)
    ("'hi'", "b'ab'", "'xxxxx…' (100 characters)")
    """
    if len(value) <= limit:
        return repr(value)
    unit = "characters" if isinstance(value, str) else "bytes"
    shown = repr(value[:limit] + "…") if isinstance(value, str) else f"{value[:limit]!r}…"
    return f"{shown} ({len(value):,} {unit})"
