"""The page of the API, as it is built, says all of what the docstrings say."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")

DOCS = Path(__file__).parents[2] / "docs"
DIRECTIVE = re.compile(
    r"^\.\. auto(class|exception|function):: ([\w.]+)(?:\(\))?\n((?: +.*\n|\n(?= ))*)", re.MULTILINE
)


def words(text: str) -> str:
    """Return what is left of a text whatever became of its marks and lines."""
    return " ".join(re.findall(r"\w+", text))


def documented() -> dict[str, object]:
    """Return what the page has, by name: what is named there, and members that have a docstring."""
    found: dict[str, object] = {}
    for _, name, rest in DIRECTIVE.findall((DOCS / "reference/api.md").read_text()):
        module, _, short = name.rpartition(".")
        thing = found[name] = getattr(import_module(module), short)
        for listed in re.findall(r":members:(.*)|auto(?:method|property):: (\w+)", rest):
            members = [one.strip() for one in ",".join(listed).split(",") if one.strip()]
            members = members or [one for one in vars(thing) if not one.startswith("_")]
            for member in members:
                # An attribute of its objects is described in the source only, where Sphinx looks.
                if hasattr(thing, member):
                    found[f"{name}.{member}"] = getattr(thing, member)
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    """Build the page of the API alone, as text."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "index.md").write_text((DOCS / "reference/api.md").read_text())
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "text", "-c", DOCS, folder, folder / "_"]
    subprocess.run(command, check=True, capture_output=True)
    return words((folder / "_" / "index.txt").read_text())


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", documented())
def test_the_first_sentences_of_a_docstring_are_whole_on_the_page(page, name):
    thing = documented()[name]
    docstring = inspect.getdoc(thing)
    if not docstring or docstring == inspect.getdoc(type(thing)):  # that of bool, for instance
        pytest.skip("it has none")
    assert words(docstring.partition("\n\n")[0]) in page


def test_a_server_says_where_it_listens(page):
    assert "host where it listens" in page
    assert "port where it listens" in page
