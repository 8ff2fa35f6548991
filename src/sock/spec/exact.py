"""Copies of values of subclasses as plain `str`, `bytes` and `int`.

A subclass of `str` that overrides `__iter__`, `encode` or `__len__` could pass a check with other
characters than those that are sent. So every value that ends on the wire is first made one of
Python's own types, by the methods of that type. A value that has this type already is not copied.
"""

from __future__ import annotations

_ALL = slice(None)


def exact_text(text: str) -> str:
    """Return a text as a plain `str`.

    >>> class Loud(str):
    ...     def __str__(self):
    ...         return self.upper()
    >>> exact_text(Loud("quiet"))
    'quiet'
    """
    return text if type(text) is str else str.__str__(text)


def exact_bytes(data: bytes | bytearray) -> bytes | bytearray:
    """Return bytes as plain `bytes`, and a bytearray as a plain `bytearray`.

    >>> class Short(bytes):
    ...     def __len__(self):
    ...         return 1
    >>> len(exact_bytes(Short(b"long")))
    4
    """
    kind = type(data)
    if kind is bytes or kind is bytearray:
        return data
    if isinstance(data, bytes):
        return bytes.__getitem__(data, _ALL)
    return bytearray.__getitem__(data, _ALL)


def exact_content(content: str | bytes) -> str | bytes:
    """Return text as a plain `str`, and bytes as plain `bytes`."""
    if isinstance(content, str):
        return exact_text(content)
    return content if type(content) is bytes else bytes.__getitem__(content, _ALL)


def exact_int(number: int) -> int:
    """Return a number as a plain `int`.

    >>> class Two(int):
    ...     def __int__(self):
    ...         return 2
    >>> exact_int(Two(1))
    1
    """
    return number if type(number) is int else int.__int__(number)
