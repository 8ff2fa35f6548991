"""One table of what may be declared: in the code, and on the page of the specification."""

from __future__ import annotations

import re
from pathlib import Path

from sock.hosting.declarable import DECLARABLE
from sock.testing import contract

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "specification.md"
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def numbers(cell):
    """Return the numbers of a cell, in which a row of numbers is written as "S5.1 to S5.4"."""
    found = set()
    for first, last in re.findall(r"(S\d+\.\d+)(?: to (S\d+\.\d+))?", cell):
        section, number = first[1:].split(".")
        end = int(last.split(".")[1]) if last else int(number)
        found |= {f"S{section}.{one}" for one in range(int(number), end + 1)}
    return found


def test_appendix_b_has_the_same_words_and_statements():
    """[S0.5]"""
    appendix = PAGE.read_text().split("## Appendix B")[1]
    on_page = {word: numbers(cell) for word, cell in ROW.findall(appendix)}
    assert on_page == {word: set(statements) for word, statements in DECLARABLE.items()}


def test_each_statement_exists():
    known = set(re.findall(r"^\[(S\d+\.\d+)\] ", PAGE.read_text(), re.MULTILINE))
    assert {one for statements in DECLARABLE.values() for one in statements} <= known


def test_the_words_are_those_that_a_case_may_need():
    assert set(DECLARABLE) == set(contract.LIMITS)
