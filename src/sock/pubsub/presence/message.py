"""What the presences of different processes say to each other: msgpack, as an array.

All begin with the version, what it is, and who says it: 8 bytes, random for each process and loop.

what it is  goes to   and has                          it means
----------  --------  -------------------------------  --------------------------------------------
BEAT        all       sequence                         still here; the number of the last CHANGE
CHANGE      all       sequence, changes                entries have come, and others have left
ASK         all, one                                   send me what you have
ENTRIES     one       sequence, part, parts, entries   all entries, in so many parts
LINGERING   one       entries, with owner and seconds  entries whose connections the owner has ended
BYE         all                                        no more here, nor is anything of mine

an entry    number, topic, key, data
a change    an entry that has come; or number, linger of one that has left: seconds, 0 for at once
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

VERSION: Final = 1

BEAT: Final = 1
CHANGE: Final = 2
ASK: Final = 3
ENTRIES: Final = 4
LINGERING: Final = 5
BYE: Final = 6

NODE_SIZE: Final = 8

MAX_DATA: Final = 4096
"""Bytes of what is known of one entry, as JSON."""

MAX_LINGER: Final = 3600.0
"""Seconds for which an entry may stay when its connection has ended."""

MAX_PART: Final = 256 * 1024
"""Bytes of entries in one message: a broker takes messages of up to a megabyte."""

_FIELDS: Final[dict[int, tuple[type, ...]]] = {
    BEAT: (int,),
    CHANGE: (int, list),
    ASK: (),
    ENTRIES: (int, int, int, list),
    LINGERING: (list,),
    BYE: (),
}
_ENTRY: Final = (int, str, str, bytes)
_LEFT: Final = (int, float)
_LINGERING: Final = (bytes, int, str, str, bytes, float)

Said: TypeAlias = tuple[Any, ...]
"""A message: what it is, who says it, and the fields of the table."""


def packer() -> Callable[[Said], bytes]:
    """Return what writes messages as bytes.

    Raises:
        ImportError: msgspec is not installed.
    """
    from msgspec import msgpack

    encode = msgpack.Encoder().encode
    return lambda said: encode((VERSION, *said))


def opener() -> Callable[[bytes], Said]:
    """Return what reads bytes as a message, and raises ValueError if they are none.

    Raises:
        ImportError: msgspec is not installed.
    """
    from msgspec import msgpack

    decode = msgpack.Decoder(list[Any]).decode

    def opened(data: bytes) -> Said:
        try:
            version, *said = decode(data)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if version != VERSION:
            raise ValueError(f"a presence of version {str(version)[:20]}, not {VERSION}")
        return checked(tuple(said))

    return opened


def checked(said: Said) -> Said:
    """Return a message whose fields have the types that they should have.

    Raises:
        ValueError: they have not.
    """
    what, node, *fields = said if len(said) > 1 else (None, None)
    if type(what) is not int or what not in _FIELDS:
        raise ValueError(f"a presence says {str(what)[:20]!r}, which is nothing")
    if not _is_node(node) or tuple(map(type, fields)) != _FIELDS[what]:
        raise ValueError("a message of a presence with other fields than it should have")
    if what == CHANGE:
        forms: tuple[tuple[type, ...], ...] = (_ENTRY, _LEFT)
    else:
        forms = (_ENTRY,) if what == ENTRIES else (_LINGERING,)
    last = fields[-1] if fields else None
    for entry in cast("list[Any]", last) if isinstance(last, list) else ():
        if not isinstance(entry, list) or tuple(map(type, cast("list[Any]", entry))) not in forms:
            raise ValueError("an entry of a presence with other fields than it should have")
        if isinstance(entry[-1], float) and not 0 <= entry[-1] <= MAX_LINGER:
            raise ValueError(f"an entry of a presence that lingers for {entry[-1]} seconds")
    return said


def _is_node(node: object) -> bool:
    return isinstance(node, bytes) and len(node) == NODE_SIZE


def parts(entries: Iterable[Said]) -> Iterator[list[Said]]:
    """Yield entries in groups, none of which is larger than a message may be."""
    part: list[Said] = []
    size = 0
    for entry in entries:
        more = _size(entry)
        if part and size + more > MAX_PART:
            yield part
            part, size = [], 0
        part.append(entry)
        size += more
    if part:
        yield part


def _size(entry: Said) -> int:
    """Return how many bytes an entry has at most: a character has up to four."""
    texts = sum(len(field) for field in entry if isinstance(field, str))
    return 64 + 4 * texts + sum(len(field) for field in entry if isinstance(field, bytes))
