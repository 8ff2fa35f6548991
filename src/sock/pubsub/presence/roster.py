"""Who is here under each topic, and what has changed since those who watch it were told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, final

from .change import Diff, Meta

if TYPE_CHECKING:
    from collections.abc import Callable

    from .change import Present

    Changes: TypeAlias = dict[str, tuple[str, Meta[Any]]]  # by ref: the key, and the entry


@final
class Roster:
    """The entries of all processes, as this one knows them.

    `present` may be called in any thread.

    Args:
        watched: tells whether somebody watches a topic.
        changed: is called when there are changes that somebody is to be told.
    """

    def __init__(self, watched: Callable[[str], bool], changed: Callable[[], None]) -> None:
        self._topics: dict[str, dict[str, dict[str, Meta[Any]]]] = {}
        self._joins: dict[str, Changes] = {}
        self._leaves: dict[str, Changes] = {}
        self._watched = watched
        self._changed = changed

    def join(self, topic: str, key: str, meta: Meta[Any]) -> None:
        """Add an entry."""
        self._topics.setdefault(topic, {}).setdefault(key, {})[meta.ref] = meta
        self._note(topic, key, meta, self._joins, self._leaves)

    def leave(self, topic: str, key: str, ref: str) -> None:
        """Take an entry out. Nothing happens if it is not there."""
        keys = self._topics.get(topic, {})
        metas = keys.get(key, {})
        meta = metas.pop(ref, None)
        if meta is None:
            return
        if not metas:
            del keys[key]
            if not keys:
                del self._topics[topic]
        self._note(topic, key, meta, self._leaves, self._joins)

    def count(self, topic: str, key: str) -> int:
        """Return how many entries a key has."""
        return len(self._topics.get(topic, {}).get(key, ()))

    def present(self, topic: str) -> Present[Any]:
        """Return the entries under each key of a topic, in the same order in every process."""
        # Each `list` is one step, so that another thread may ask.
        keys = list(self._topics.get(topic, {}).items())
        present = {key: sorted(list(metas.values()), key=_ref) for key, metas in sorted(keys)}  # noqa: C414
        return {key: metas for key, metas in present.items() if metas}

    def taken_diffs(self) -> list[Diff[Any]]:
        """Return the changes since this was last called, one Diff for each topic."""
        topics = self._joins | self._leaves
        joins, self._joins = self._joins, {}
        leaves, self._leaves = self._leaves, {}
        diffs = [
            Diff(topic, _by_key(joins.get(topic, {})), _by_key(leaves.get(topic, {})))
            for topic in topics
        ]
        return [diff for diff in diffs if diff.joins or diff.leaves]

    def _note(
        self,
        topic: str,
        key: str,
        meta: Meta[Any],
        changes: dict[str, Changes],
        undone: dict[str, Changes],
    ) -> None:
        if not self._watched(topic):
            return
        if undone.get(topic, {}).pop(meta.ref, None) is None:
            changes.setdefault(topic, {})[meta.ref] = (key, meta)
        self._changed()


def _ref(meta: Meta[Any]) -> str:
    return meta.ref


def _by_key(changes: Changes) -> Present[Any]:
    present: Present[Any] = {}
    for key, meta in changes.values():
        present.setdefault(key, []).append(meta)
    return present
