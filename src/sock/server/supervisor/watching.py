"""Tells when a file of the program was edited: what `--reload` waits for."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_ALWAYS: Final = "*.py"

_NEVER: Final = frozenset(
    {"__pycache__", ".git", ".hg", ".svn", ".tox", ".venv", "venv", "node_modules", ".idea"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "site-packages"}
)
"""Folders whose files are not the program's, or are written while it runs."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Which files count.

    Args:
        folders: with all folders in them.
        patterns: of names, or of paths below the folder, beside `*.py`.
    """

    folders: Sequence[Path]
    patterns: Sequence[str] = ()

    def counts(self, path: Path) -> bool:
        """Tell whether a change of this file is one of the program.

        >>> watched = Watched([Path("/app")], ["*.html"])
        >>> watched.counts(Path("/app/chat.py")), watched.counts(Path("/app/log.txt"))
        (True, False)
        """
        for folder in self.folders:
            if path.is_relative_to(folder):
                below = path.relative_to(folder)
                if not _NEVER.isdisjoint(below.parts):
                    return False
                return any(
                    fnmatch.fnmatch(below.name, one) or fnmatch.fnmatch(str(below), one)
                    for one in (_ALWAYS, *self.patterns)
                )
        return False


async def changes(watched: Watched) -> AsyncIterator[list[str]]:
    """Yield the paths that were edited, each time some were.

    Raises:
        ImportError: watchfiles is not installed.
    """
    watchfiles: Any = import_module("watchfiles")  # its types are those of anyio, which is not here

    def counts(_change: Any, path: str) -> bool:
        return watched.counts(Path(path))

    # Editors write a file in several steps. Those within 50 ms are one change.
    async for found in watchfiles.awatch(
        *watched.folders, watch_filter=counts, debounce=400, step=50, rust_timeout=1000
    ):
        yield sorted({path for _, path in found})
