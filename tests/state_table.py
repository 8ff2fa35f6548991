"""Reads the table of states at the head of a module, whose rows are the names of its tests."""

import re
from itertools import pairwise


def rows_of(module):
    """Return the rows of a module's table: in, what happens, what is done, then."""
    lines = iter(module.__doc__.splitlines())
    widths = next(
        [match.span() for match in re.finditer("-+", line)] for line in lines if "----" in line
    )
    rows = []
    for line in lines:
        if not line.strip():
            break
        # A row reaches from the left edge of each column to that of the next.
        edges = [start for start, _ in widths] + [len(line) + 4]
        rows.append(tuple(line[a:b].strip() for a, b in pairwise(edges)))
    return rows


def name_of(row):
    """Return the name of the test of a row: the words of its first three columns."""
    words = re.sub(r"\(\d\)", "", " ".join(row[:3]))
    return "test_" + re.sub(r"\W+", "_", words.lower()).strip("_")


def rows_without_a_test(module, tests):
    """Return the names that are missing among the names of a module's tests."""
    names = [name_of(row) for row in rows_of(module)]
    assert len(names) == len(set(names)) > 10
    return [name for name in names if name not in tests]
