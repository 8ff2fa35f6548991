"""What is known of those who are here: an entry, all of them, and a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    MetaT = TypeVar("MetaT", default=Any)
else:
    from typing import TypeVar

    MetaT = TypeVar("MetaT")


@dataclass(frozen=True, slots=True)
class Meta(Generic[MetaT]):
    """One entry under a key: one of the connections that track it.

    Args:
        ref: names the entry, over all processes. An update makes a new entry.
        data: what was given as `meta`. It is shared, and must not be changed.

    >>> Meta("a-1", {"tab": 1})
    Meta(ref='a-1', data={'tab': 1})
    """

    ref: str
    data: MetaT


Present: TypeAlias = dict[str, list[Meta[MetaT]]]
"""The entries under each key; a key without an entry is not there."""


@dataclass(frozen=True, slots=True)
class State(Generic[MetaT]):
    """All who are here: the first that a watcher gets.

    Args:
        topic: that is watched.
        present: the entries under each key.
    """

    topic: str
    present: Present[MetaT]


@dataclass(frozen=True, slots=True)
class Diff(Generic[MetaT]):
    """Who has come and who has left since the State or the Diff before.

    A key in both has only changed: somebody has given other data, or has come back with another
    connection. A key has left when its last entry has.

    Args:
        topic: that is watched.
        joins: the new entries under each key.
        leaves: the entries that are no more.
    """

    topic: str
    joins: Present[MetaT]
    leaves: Present[MetaT]
