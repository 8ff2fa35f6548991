"""The cases of the suite, and how two clients share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECTIONS: Final = {
    "1": ("Framing", 16),
    "2": ("Pings and pongs", 11),
    "3": ("Reserved bits", 7),
    "4": ("Opcodes", 10),
    "5": ("Fragmentation", 20),
    "6": ("UTF-8", 145),
    "7": ("Close handshake", 37),
    "9": ("Limits and performance", 54),
    "10": ("Auto-fragmentation", 1),
    "12": ("Compression, different payloads", 90),
    "13": ("Compression, different parameters", 126),
}
"""The title and the number of cases of each section. There is no 8 and no 11."""

PLAIN: Final = tuple(section for section in SECTIONS if section not in {"12", "13"})

_SAMPLED: Final = tuple(
    f"{section}.{group}.{case}"
    for section, groups in (("12", 5), ("13", 7))
    for group in range(1, groups + 1)
    for case in (1, 5, 11)
)
"""Cases of each group with compression: small messages, large ones, and fragments."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The cases that one `wstest` runs against one server.

    Args:
        name: the name of its folder.
        patterns: for the specification of `wstest`. A pattern is a regular expression that must
            match the beginning, so `1*` would match 10, 12 and 13 too, and `1.*` does not.
        total: the number of cases. `wstest` exits with 0 even if it could not connect, so they are
            counted.
    """

    name: str
    patterns: tuple[str, ...]
    total: int


def shards(cases: str) -> tuple[Shard, ...]:
    """Return the cases in shards, which run at the same time.

    Client and server take turns, so a shard keeps one core busy. The cases with compression take
    nearly all of the time.

    Args:
        cases: `all`; or `plain`: all but compression; or `sample`: these, and three cases of each
            group of compression.

    >>> [sum(shard.total for shard in shards(cases)) for cases in ("all", "sample", "plain")]
    [517, 337, 301]
    """
    if cases == "plain":
        return (_shard("plain", PLAIN),)
    if cases == "sample":
        return _shard("plain", PLAIN), Shard("deflate", _SAMPLED, len(_SAMPLED))
    return _shard("plain-and-13", (*PLAIN, "13")), _shard("12", ("12",))


def _shard(name: str, sections: tuple[str, ...]) -> Shard:
    total = sum(SECTIONS[section][1] for section in sections)
    return Shard(name, tuple(f"{section}.*" for section in sections), total)
