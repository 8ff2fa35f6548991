"""No files import each other in a circle, and imports that only types make count too.

import-linter holds the arrows between rooms, but it leaves out what stands under `TYPE_CHECKING`.
"""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / "src" / "sock", ROOT / "bench", ROOT / "hosts", ROOT / "autobahn"]


def modules(package):
    """Return the files of a package by the names under which they are imported."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name, path, known):
    """Return the modules of a package that one of its files imports, wherever it does so."""
    parents = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=module, names=aliases, level=level):
                above = parents[: len(parents) - level + 1] if level else []
                source = ".".join([*above, *([module] if module else [])])
                inner = [f"{source}.{alias.name}" for alias in aliases]
                yield from (one if one in known else source for one in inner)


def imports(package):
    """Return which modules of a package each of its modules imports."""
    found = modules(package)
    return {
        name: {*imported(name, path, found)} & {*found} - {name} for name, path in found.items()
    }


def way_back(start, arrows):
    """Return the shortest circle from a module to itself; None where there is none."""
    ways = [[start]]
    seen = set()
    for way in ways:
        for module in sorted(arrows[way[-1]] - seen):
            if module == start:
                return [*way, start]
            seen.add(module)
            ways.append([*way, module])
    return None


def circles(package):
    """Return the circles of a package, each once, as lists that begin and end with one module."""
    arrows = imports(package)
    found = {}
    for module in sorted(arrows):
        if (way := way_back(module, arrows)) is not None:
            found.setdefault(frozenset(way), way)
    return list(found.values())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_files_import_each_other_in_a_circle(package):
    assert [" -> ".join(way) for way in circles(package)] == []


def test_every_package_has_files_that_import_each_other():
    assert all(any(imports(package).values()) for package in PACKAGES)


@pytest.mark.parametrize(
    "text",
    [
        "from .b import B",
        "from . import b",
        "from kit.b import B",
        "from kit import b",
        "import kit.b",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import B",
        "def later():\n    from .b import B",
    ],
)
def test_a_circle_is_seen_however_the_import_is_written(tmp_path, text):
    package = tmp_path / "kit"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text(text)
    (package / "b.py").write_text("from .c import C")
    (package / "c.py").write_text("import os")
    assert circles(package) == []
    (package / "c.py").write_text("from .a import A")
    (way,) = circles(package)
    assert {*pairwise(way)} == {("kit.a", "kit.b"), ("kit.b", "kit.c"), ("kit.c", "kit.a")}
