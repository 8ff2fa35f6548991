"""The page of the suite: each statement, the cases that prove it, and the mutants that they see."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sock.testing import contract

from .mutant import mutants, place, unbreakable

ROOT = Path(__file__).parents[3]
SPECIFICATION = ROOT / "docs" / "reference" / "specification.md"
PAGE = ROOT / "docs" / "reference" / "suite.md"
_HEADING = re.compile(r"^## (\d+)\. (.+)$", re.MULTILINE)
_STATEMENT = re.compile(r"^\[(S\d+\.\d+)\] ")
_MAX = 6  # names of cases in a cell
LEVELS = ROOT / "src" / "sock" / "testing" / "contract" / "levels.py"
_LEVELS_HEAD = '''\
"""Which statements of the specification say MUST, SHOULD or MAY. Written by `make suite`."""

from __future__ import annotations

from typing import Final

NUMBERS: Final[dict[str, dict[int, str]]] = {
'''
_LEVELS_TAIL = '''\
}
"""The numbers of each chapter, by the strongest word in the statement."""
'''

_INTRODUCTION = """\
# The suite

`sock.testing.contract` is a suite of cases for [the specification](specification.md). Each case is
tried against a host through a real socket, and cites the statements that it proves. This page is
written by `make suite`; a test holds it up to date.

The last column says what our own server does when it is broken in that one statement: `make
mutants` breaks a copy of it so, and at least one of the cases in the row must fail. So a case is
known to see what it is there for. A statement without a case has a reason, and so has one that
cannot be broken.

"""


def page() -> str:
    """Return the page."""
    titles = dict(_HEADING.findall(SPECIFICATION.read_text()))
    chapters: dict[str, list[str]] = {}
    for number in sorted(contract.LEVELS, key=place):
        chapters.setdefault(number[1:].partition(".")[0], []).append(number)
    parts = [_INTRODUCTION, _summary()]
    for chapter, numbers in chapters.items():
        rows = ["| statement | says | cases | broken |", "| --- | --- | --- | --- |"]
        rows += [_row(number) for number in numbers]
        parts.append(f"\n## {chapter}. {titles[chapter]}\n\n" + "\n".join(rows) + "\n")
    return "".join(parts)


def levels() -> str:
    """Return the table of the levels, as the specification has them."""
    found: dict[str, dict[str, list[str]]] = {"MUST": {}, "SHOULD": {}, "MAY": {}}
    for paragraph in SPECIFICATION.read_text().split("\n\n"):
        if statement := _STATEMENT.match(paragraph):
            chapter, _, number = statement[1][1:].partition(".")
            level = _level(paragraph, found)
            found[level].setdefault(chapter, []).append(number)
    rows = "".join(
        f'    "{level}": {{\n'
        + "".join(f'        {chapter}: "{" ".join(numbers)}",\n' for chapter, numbers in of.items())
        + "    },\n"
        for level, of in found.items()
    )
    return _LEVELS_HEAD + rows + _LEVELS_TAIL


def _summary() -> str:
    musts = [number for number, level in contract.LEVELS.items() if level == "MUST"]
    proven = {number for case in contract.CASES for number in case.statements}
    broken = {mutant.statement for mutant in mutants()}
    return (
        f"{len(contract.CASES)} cases prove {len(proven)} statements, {len(proven & set(musts))}"
        f" of the {len(musts)} that say MUST. {len(mutants())} broken servers, each broken in one"
        f" of {len(broken)} statements, are all seen.\n"
    )


def _row(number: str) -> str:
    names = [case.name for case in contract.CASES if number in case.statements]
    cases = _listed(names) if names else f"*None.* {_reason(number)}"
    does = "; ".join(mutant.does for mutant in mutants() if mutant.statement == number)
    broken = f"It {does}." if does else unbreakable().get(number, "" if names else "–")
    return f"| {number} | {contract.LEVELS[number]} | {_cell(cases)} | {_cell(broken or '–')} |"


def _reason(number: str) -> str:
    if contract.LEVELS[number] == "MAY":
        return "It only permits."
    return contract.UNSEEN.get(number, "")


def _listed(names: list[str]) -> str:
    """Name the cases; those of a family that has several here are counted."""
    families = Counter(name.partition("/")[0] for name in names if "/" in name)
    shown = [f"`{family}/…` ({count})" for family, count in families.items() if count > 1]
    shown += [f"`{name}`" for name in names if families[name.partition("/")[0]] < 2]
    more = f", and {len(shown) - _MAX} more" if len(shown) > _MAX else ""
    return ", ".join(shown[:_MAX]) + more


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _level(paragraph: str, words: Iterable[str]) -> str:
    """Return the strongest of the words in a statement; the strongest comes first."""
    return next(word for word in words if re.search(rf"\b{word}\b", paragraph))
