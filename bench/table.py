"""From figures to a table: medians, and ratios against one peer of the same run."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from .column import COLUMNS, REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Figures = dict[str, dict[str, list[float]]]
"""Server, column, one figure per round."""


def tables(figures: Figures, titles: Mapping[str, str]) -> str:
    """Write all that was measured as Markdown.

    Args:
        figures: what was measured; a family of columns that nobody has is left out.
        titles: a server to its name with its version.
    """
    measured = {column for columns in figures.values() for column in columns}
    parts = [
        _table(family, head, measured, figures, titles, cell)
        for family, head, cell in (
            ("echo", "64 B of text on 64 connections: messages per server CPU second", _rate),
            ("idle", "5,000 idle connections: kB of memory each", _weight),
            ("flat", "Server CPU per message, in µs, by number of connections", _cost),
        )
        if any(column.family == family and column.name in measured for column in COLUMNS)
    ]
    return "\n".join(parts)


def _table(
    family: str,
    head: str,
    measured: set[str],
    figures: Figures,
    titles: Mapping[str, str],
    cell: Callable[[Figures, str, str], str],
) -> str:
    columns = [c for c in COLUMNS if c.family == family and c.name in measured]
    rows = [["server", *(c.title for c in columns)], ["---", *("---:" for _ in columns)]]
    rows += [
        [titles[peer], *(cell(figures, peer, c.name) for c in columns)]
        for peer in figures
        if any(c.name in figures[peer] for c in columns)
    ]
    return f"{head}\n\n{_aligned(rows)}\n"


def _rate(figures: Figures, peer: str, column: str) -> str:
    value = median(figures[peer][column])
    return f"{value:,.0f}{_ratio(figures, column, value)}"


def _weight(figures: Figures, peer: str, column: str) -> str:
    value = median(figures[peer][column])
    return f"{value:.1f}{_ratio(figures, column, value)}"


def _cost(figures: Figures, peer: str, column: str) -> str:
    return f"{1e6 / median(figures[peer][column]):.1f}"


def _ratio(figures: Figures, column: str, value: float) -> str:
    reference = figures.get(REFERENCE, {}).get(column)
    return f" ({value / median(reference):.2f} ×)" if reference else ""


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )
