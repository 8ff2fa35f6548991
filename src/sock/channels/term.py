"""Erlang's external term format, as far as values that JSON could hold need it.

    tag  what it is                      in Python          written for
    ---  ------------------------------  -----------------  --------------------------------
    97   an integer of one byte          int                0 to 255
    98   an integer of four bytes        int                -2**31 to 2**31 - 1
    110  an integer of up to 255 bytes   int                all others, up to 2,040 bits
    70   a float                         float              float
    109  a binary                        str, else bytes    str as UTF-8, bytes
    119  an atom, also 100, 115 and 118  str                True, False, None, an `Atom`
    106  the empty list                  list               []
    108  a list                          list               list
    107  a list of bytes                 list of int
    104  a tuple, also 105               tuple              tuple
    116  a map                           dict               dict

The atoms `true`, `false` and `nil` are True, False and None.

https://www.erlang.org/doc/apps/erts/erl_ext_dist
"""

from __future__ import annotations

import struct
from typing import Any, Final, cast, final

VERSION: Final = 131
_ATOMS: Final[dict[str, bool | None]] = {"true": True, "false": False, "nil": None}


@final
class Atom(str):
    """An atom, which is written as one. It is equal to its name."""

    __slots__ = ()


def encode(value: object) -> bytes:
    """Return a value as a term, behind the byte of the format's version.

    Raises:
        TypeError: there is something in it that has no term here.
        OverflowError: an integer or an atom is too long.
        RecursionError: it is nested too deeply.

    >>> encode(("ada", 7)).hex()
    '8368026d000000036164616107'
    """
    return bytes((VERSION,)) + _encoded(value)


def decode(data: bytes) -> Any:
    """Return the value that a term stands for.

    Raises:
        ValueError: it is no term, it is cut off, or there is something in it that is not in the
            table.
        RecursionError: it is nested too deeply.

    >>> decode(bytes.fromhex("83680277026f6b6107"))
    ('ok', 7)
    """
    if data[:1] != bytes((VERSION,)):
        raise ValueError("it does not begin as a term does")
    reader = _Reader(data)
    try:
        value = reader.value()
    except TypeError as error:
        raise ValueError(f"a key of a map: {error}") from None
    if reader.at != len(data):
        raise ValueError("there is something behind the term")
    return value


def _encoded(value: object) -> bytes:
    match value:
        case None:
            return _atom("nil")
        case bool():
            return _atom("true" if value else "false")
        case int():
            return _integer(value)
        case float():
            return struct.pack(">Bd", 70, value)
        case Atom():
            return _atom(value)
        case str():
            return _binary(value.encode())
        case bytes():
            return _binary(value)
        case tuple():
            fields = cast("tuple[object, ...]", value)
            many = len(fields) > 255
            head = struct.pack(">BI", 105, len(fields)) if many else bytes((104, len(fields)))
            return head + b"".join(map(_encoded, fields))
        case list():
            items = cast("list[object]", value)
            if not items:
                return b"\x6a"
            return struct.pack(">BI", 108, len(items)) + b"".join(map(_encoded, items)) + b"\x6a"
        case dict():
            pairs = cast("dict[object, object]", value).items()
            inside = b"".join(_encoded(key) + _encoded(one) for key, one in pairs)
            return struct.pack(">BI", 116, len(pairs)) + inside
        case _:
            raise TypeError(f"{type(value).__name__!r} has no term here")


def _atom(name: str) -> bytes:
    encoded = name.encode()
    if len(encoded) > 255:
        raise OverflowError("an atom has 255 bytes at most")
    return bytes((119, len(encoded))) + encoded


def _binary(data: bytes) -> bytes:
    return struct.pack(">BI", 109, len(data)) + data


def _integer(value: int) -> bytes:
    if 0 <= value <= 255:
        return bytes((97, value))
    if -(2**31) <= value < 2**31:
        return struct.pack(">Bi", 98, value)
    size = (abs(value).bit_length() + 7) // 8
    if size > 255:
        raise OverflowError("an integer has 255 bytes at most")
    return bytes((110, size, value < 0)) + abs(value).to_bytes(size, "little")


@final
class _Reader:
    """Reads the terms of some bytes, one after the other."""

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 1

    def value(self) -> Any:
        match self._number(1):
            case 97:
                return self._number(1)
            case 98:
                return int.from_bytes(self._taken(4), "big", signed=True)
            case 110:
                size, negative = self._number(1), self._number(1)
                positive = int.from_bytes(self._taken(size), "little")
                return -positive if negative else positive
            case 70:
                return struct.unpack(">d", self._taken(8))[0]
            case 109:
                return _text_or_bytes(self._taken(self._number(4)))
            case 115 | 119:
                return _named(self._taken(self._number(1)))
            case 100 | 118:
                return _named(self._taken(self._number(2)))
            case 106:
                return []
            case 107:
                return list(self._taken(self._number(2)))
            case 108:
                items = self._values(self._number(4))
                if self.value() != []:
                    raise ValueError("a list has a tail")
                return items
            case 104:
                return tuple(self._values(self._number(1)))
            case 105:
                return tuple(self._values(self._number(4)))
            case 116:
                flat = self._values(2 * self._number(4))
                return dict(zip(flat[::2], flat[1::2], strict=True))
            case tag:
                raise ValueError(f"terms with the tag {tag} are not read here")

    def _values(self, count: int) -> list[Any]:
        if count > len(self._data) - self.at:  # each has a byte at least
            raise ValueError("the term is cut off")
        return [self.value() for _ in range(count)]

    def _number(self, size: int) -> int:
        return int.from_bytes(self._taken(size), "big")

    def _taken(self, size: int) -> bytes:
        taken = self._data[self.at : self.at + size]
        if len(taken) < size:
            raise ValueError("the term is cut off")
        self.at += size
        return taken


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _named(name: bytes) -> object:
    text = name.decode(errors="replace")
    return _ATOMS[text] if text in _ATOMS else Atom(text)
