"""Nothing cites a document that is not in the repository: a reader could not look it up."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("autobahn", "bench", "core", "docs", "examples", "hosts", "src", "tests")
DOCUMENT = re.compile(r"(?<![\w/.{*+-])(?:[\w.-]+/)*[\w-]+\.md\b")
MADE_BY_TESTS = {"ISSUE.KIND.md", "NAME.KIND.md"}
"""Patterns of names, in the instructions for the changelog."""


def sources():
    """Return all files with text of ours in them."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    texts = [path for path in (*ROOT.iterdir(), *inside) if path.is_file()]
    kinds = {".c", ".h", ".md", ".py", ".pxd", ".pyx", ".toml"}
    return [path for path in texts if path.suffix in kinds or path.name == "Makefile"]


def documents():
    """Return the names of all documents."""
    return {path.name for path in sources() if path.suffix == ".md"} | MADE_BY_TESTS


def unknown(text, known):
    """Return the documents that a text cites and that do not exist."""
    return [name for name in DOCUMENT.findall(text) if Path(name).name not in known]


def test_nothing_cites_a_document_that_is_not_there():
    known = documents()
    here = Path(__file__).resolve()
    found = {
        str(path.relative_to(ROOT)): names
        for path in sources()
        if path != here and (names := unknown(path.read_text(errors="replace"), known))
    }
    assert found == {}


@pytest.mark.parametrize("text", ["see house.md, Names", "`design/limits.md`", "# plan.md rule 4"])
def test_a_document_that_is_not_there_is_found(text):
    assert unknown(text, documents()) != []
