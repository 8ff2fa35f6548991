"""What one process knows of the entries of all: its own map, and a copy of that of each other one.

Only the process that holds a connection changes its entries. So a map has a number, which counts
its changes, and a copy with the same number is the same. Each process is known by 8 random bytes.

    what comes from another process           what is done
    ----------------------------------------  --------------------------------------------------
    BEAT, with the number of the copy         it is alive
    BEAT, with a greater number               changes are missing: ASK it, once a second at most
    CHANGE, with the next number              changes the copy
    CHANGE, with a greater number             as BEAT
    CHANGE, with another number               nothing: it is known already
    ENTRIES, all parts, of a greater number   are the copy from now on
    ASK                                       answer with what lingers, then with the own entries
    BYE                                       its entries leave
    nothing for the time of the lease         its entries leave; if it speaks again, it is new

An entry that lingers has no owner any more: all keep it until its time has come, or until its key
has another entry. So an entry lingers only where it is the last one of its key, and it does not
matter in which order the end of one connection and the beginning of the next are heard of.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from .change import Meta
from .message import ASK, BEAT, BYE, CHANGE, ENTRIES, LINGERING, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from .data import Data
    from .message import Said
    from .roster import Roster

MAX_NODES: Final = 4096
"""Other processes that are known; what more of them say is not heard."""

_ASK_INTERVAL: Final = 1.0
"""Seconds between two questions to the same process."""


class Entry(NamedTuple):
    """One entry: a connection under a key of a topic."""

    topic: str
    key: str
    raw: bytes
    meta: Meta[Any] | None
    """None where its data is of another type, which another version of the program may have."""


class Lingering(NamedTuple):
    """An entry whose connection has ended, and which stays for a while."""

    entry: Entry
    node: bytes
    number: int
    until: float


@final
class Node:
    """The copy of another process' map.

    Args:
        now: the time at which it was heard.
    """

    __slots__ = ("asked", "entries", "heard", "incoming", "sequence")

    def __init__(self, now: float) -> None:
        self.sequence: int | None = None
        """The number of the copy; None while there is none."""
        self.entries: dict[int, Entry] = {}
        self.heard = now
        self.asked = now - _ASK_INTERVAL
        self.incoming: tuple[int, int, list[Said]] | None = None
        """Of ENTRIES that are not complete: their number, the parts that have come, the entries."""


@final
class Replica:
    """The entries of all processes. It knows no event loop, and is told the time.

    Args:
        me: this process.
        roster: shows the entries of all.
        data: decodes what is known of an entry.
        send: sends a message to one process, or to all (None).
        rejected: is told of data that is of another type.
        lease: seconds for which a process may be silent.
    """

    def __init__(
        self,
        me: bytes,
        roster: Roster,
        data: Data,
        send: Callable[[bytes | None, Said], None],
        rejected: Callable[[Exception], None],
        lease: float,
    ) -> None:
        self.me = me
        self._roster = roster
        self._data = data
        self._send = send
        self._rejected = rejected
        self._lease = lease
        self._sequence = 0
        self._number = 0
        self._entries: dict[int, Entry] = {}
        self._changes: list[Said] = []
        self._nodes: dict[bytes, Node] = {}
        self._lingering: dict[tuple[str, str], Lingering] = {}
        self.due = inf
        """When `expire` is to be called, at the latest."""

    # The own entries.

    def begin(self) -> None:
        """Say that this process is there, and ask all others for what they have."""
        self.beat()
        self._send(None, (ASK, self.me))

    def beat(self) -> None:
        """Say that this process is still there."""
        self._send(None, (BEAT, self.me, self._sequence))

    def join(self, topic: str, key: str, raw: bytes) -> int:
        """Add an entry, and return its number."""
        self._number += 1
        number = self._number
        self._entries[number] = self._join(self.me, number, topic, key, raw)
        self._changes.append((number, topic, key, raw))
        return number

    def leave(self, number: int, linger: float, now: float) -> None:
        """Take an entry out, after so many seconds."""
        self._leave(self._entries.pop(number), self.me, number, linger, now)
        self._changes.append((number, float(linger)))

    def own_count(self) -> int:
        """Return how many own entries there are. It may be called in any thread."""
        return len(self._entries)

    def flush(self) -> None:
        """Tell all others what has changed."""
        changes, self._changes = self._changes, []
        for part in parts(changes):
            self._sequence += 1
            self._send(None, (CHANGE, self.me, self._sequence, part))

    def end(self, linger: float, now: float) -> None:
        """Take all entries out, after so many seconds, and say that this process has gone."""
        for number in list(self._entries):
            self.leave(number, linger, now)
        self.flush()
        self._send(None, (BYE, self.me))

    # What others say.

    def take(self, said: Said, now: float) -> None:
        """Take a message of another process, which was checked."""
        what, name, *fields = said
        if name == self.me:
            return
        if what == ASK:
            self._answer(name, now)
            return
        if what == LINGERING:
            self._take_lingering(fields[0], now)
            return
        if what == BYE:
            self._forget(name)
            return
        node = self._nodes.get(name)
        if node is None:
            if len(self._nodes) >= MAX_NODES:
                return
            node = self._nodes[name] = Node(now)
            self.due = min(self.due, now + self._lease)
        node.heard = now
        if what == BEAT:
            self._take_beat(name, node, fields[0], now)
        elif what == CHANGE:
            self._take_change(name, node, fields[0], fields[1], now)
        else:
            self._take_entries(name, node, *fields)

    def _take_beat(self, name: bytes, node: Node, sequence: int, now: float) -> None:
        if node.sequence is None and sequence == 0:
            node.sequence = 0
        if node.sequence is None or sequence > node.sequence:
            self._ask(name, node, now)

    def _take_change(
        self, name: bytes, node: Node, sequence: int, changes: list[Said], now: float
    ) -> None:
        if node.sequence is None and sequence == 1:
            node.sequence = 0
        if node.sequence is None or sequence > node.sequence + 1:
            self._ask(name, node, now)
        elif sequence == node.sequence + 1:
            node.sequence = sequence
            for number, *fields in changes:
                entry = node.entries.pop(number, None)
                if len(fields) > 1:
                    node.entries[number] = entry or self._join(name, number, *fields)
                elif entry is not None:
                    self._leave(entry, name, number, fields[0], now)

    def _take_entries(
        self, name: bytes, node: Node, sequence: int, part: int, count: int, entries: list[Said]
    ) -> None:
        begun: list[Said] = []
        before = node.incoming if part > 1 else (sequence, 0, begun)
        if before is None or before[:2] != (sequence, part - 1):
            node.incoming = None  # a part is missing: the next beat asks again
            return
        before[2].extend(entries)
        node.incoming = (sequence, part, before[2])
        if part < count:
            return
        node.incoming = None
        if node.sequence is not None and node.sequence >= sequence:
            return
        node.sequence = sequence
        old, node.entries = node.entries, {}
        for number, *fields in before[2]:
            entry = old.pop(number, None)
            node.entries[number] = entry or self._join(name, number, *fields)
        for number, entry in old.items():
            self._leave(entry, name, number, 0, 0)

    def _take_lingering(self, entries: list[Said], now: float) -> None:
        for name, number, topic, key, raw, seconds in entries:
            node = self._nodes.get(name)
            entry = None if node is None else node.entries.pop(number, None)
            if entry is None:
                if self._roster.count(topic, key):
                    continue  # who it was has come back, or it lingers here already
                entry = self._join(name, number, topic, key, raw)
            self._leave(entry, name, number, seconds, now)

    def _ask(self, name: bytes, node: Node, now: float) -> None:
        if now >= node.asked + _ASK_INTERVAL:
            node.asked = now
            self._send(name, (ASK, self.me))

    def _answer(self, name: bytes, now: float) -> None:
        self.flush()
        lingering = [
            (one.node, one.number, *one.entry[:3], max(0.0, one.until - now))
            for one in self._lingering.values()
        ]
        for part in parts(lingering):
            self._send(name, (LINGERING, self.me, part))
        groups = list(parts((number, *entry[:3]) for number, entry in self._entries.items()))
        groups = groups or [[]]
        for at, part in enumerate(groups, 1):
            self._send(name, (ENTRIES, self.me, self._sequence, at, len(groups), part))

    # Time.

    def expire(self, now: float) -> None:
        """Take out what has had its time."""
        for name in [name for name, node in self._nodes.items() if node.heard + self._lease <= now]:
            self._forget(name)
        for place, one in [item for item in self._lingering.items() if item[1].until <= now]:
            del self._lingering[place]
            self._show_left(one.entry)
        times = [node.heard + self._lease for node in self._nodes.values()]
        times += [one.until for one in self._lingering.values()]
        self.due = min(times, default=inf)

    def forgive(self, seconds: float) -> None:
        """Count so many seconds of silence for nothing: this process could not listen."""
        for node in self._nodes.values():
            node.heard += seconds

    # Entries of anybody.

    def _join(self, name: bytes, number: int, topic: str, key: str, raw: bytes) -> Entry:
        meta: Meta[Any] | None = None
        try:
            meta = Meta(f"{name.hex()}-{number:x}", self._data.decode(raw))
        except ValueError as error:
            self._rejected(error)
        if meta is not None:
            self._roster.join(topic, key, meta)
            lingering = self._lingering.pop((topic, key), None)
            if lingering is not None:
                self._show_left(lingering.entry)
        return Entry(topic, key, raw, meta)

    def _leave(self, entry: Entry, name: bytes, number: int, linger: float, now: float) -> None:
        last = entry.meta is not None and self._roster.count(entry.topic, entry.key) == 1
        if linger > 0 and last:
            until = now + linger
            self._lingering[entry.topic, entry.key] = Lingering(entry, name, number, until)
            self.due = min(self.due, until)
        else:
            self._show_left(entry)

    def _show_left(self, entry: Entry) -> None:
        if entry.meta is not None:
            self._roster.leave(entry.topic, entry.key, entry.meta.ref)

    def _forget(self, name: bytes) -> None:
        node = self._nodes.pop(name, None)
        if node is not None:
            for number, entry in node.entries.items():
                self._leave(entry, name, number, 0, 0)
