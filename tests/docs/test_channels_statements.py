"""The table of what a client of channels sees names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

TESTS = Path(__file__).parents[1]


def test_each_statement_of_the_table_names_tests_that_exist():
    rows = (TESTS / "channels" / "README.md").read_text().splitlines()
    statements = [row for row in rows if row.startswith("| ") and "**" not in row][1:]
    assert len(statements) > 40
    folders = [TESTS / "channels", TESTS / "examples"]
    text = "".join(path.read_text() for one in folders for path in one.rglob("test_*.py"))
    known = set(re.findall(r"def (test_\w+)", text))
    for row in statements:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= known, row
