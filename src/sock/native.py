"""The only switch between compiled and pure.

The compiled core is one extension, `sock._core`, with the compiled forms of several modules in it:
of `sock.engine.lifecycle`, of `sock.live.lane` and so on. Where it is there, those modules are
taken from it, and nothing else in Sock knows of it. `SOCK_EXTENSION=0` forbids it,
`SOCK_EXTENSION=1` demands it.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


def _core() -> ModuleType | None:
    wanted = os.environ.get("SOCK_EXTENSION", "")
    if wanted not in {"", "0", "1"}:
        raise ImportError(
            f"SOCK_EXTENSION is 0 to forbid the compiled core or 1 to demand it, not {wanted!r}"
        )
    if wanted == "0":
        return None
    try:
        return import_module("sock._core")
    except ImportError as error:
        if wanted == "1":
            raise ImportError(
                f"SOCK_EXTENSION=1 demands the compiled core, which cannot be had: {error}. "
                "Install with a C compiler at hand: SOCK_EXTENSION=1 pip install sockpy"
            ) from None
        return None


class _Finder:
    """Finds the compiled modules of the core, all in one file."""

    def __init__(self, core: ModuleType) -> None:
        self._file: str = core.__file__ or ""
        self.modules: frozenset[str] = frozenset(core.MODULES)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the import system says it
        target: ModuleType | None = None,  # noqa: ARG002 - as above
        /,
    ) -> ModuleSpec | None:
        if name not in self.modules:
            return None
        # The loader looks for the module's init function by the last part of its name.
        return spec_from_file_location(
            name, self._file, loader=ExtensionFileLoader(name, self._file)
        )


_found = _core()

ACTIVE: Final = _found is not None
"""Whether the compiled core is in use."""


def describe() -> str:
    """Return what is in use, in a few words, for `sock --version`."""
    if _found is None:
        return "pure Python"
    return f"compiled core{' (older than its sources: make core)' * _is_stale(_found)}"


def _is_stale(core: ModuleType) -> bool:
    """Tell whether the core, built in place in a checkout, is older than its sources."""
    from pathlib import Path

    file = Path(core.__file__ or "")
    root = file.parent.parent.parent
    if not (root / "setup.py").is_file():  # installed: there is nothing that could be edited
        return False
    names = [name.removeprefix("sock.").replace(".", "/") for name in core.MODULES]
    sources = [root / f"src/sock/{name}.py" for name in names]
    made = file.stat().st_mtime
    return any(
        source.stat().st_mtime > made
        for source in [*sources, *root.glob("core/**/*")]
        if source.is_file()
    )


if _found is not None:
    sys.meta_path.insert(0, _Finder(_found))
