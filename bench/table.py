"""Tables in Markdown: medians, spreads, and ratios within the run."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from .column import COLUMNS, FAMILIES
from .peer import REFERENCE
from .ratio import RATIOS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .column import Column, Family
    from .figures import Figures


def tables(figures: Figures, titles: Mapping[str, str]) -> str:
    """Return the tables of all figures, and the reasons for the missing ones.

    Args:
        figures: the figures; a family of columns that no server has is left out.
        titles: for each server its name with its version.
    """
    parts = [
        _family(figures, titles, family, columns)
        for family in FAMILIES
        if (columns := [c for c in COLUMNS if c.family == family.name and figures.has(c.name)])
    ]
    if figures.missing:
        parts.append(_missing(figures, titles))
    return "\n".join(parts)


def ratios(figures: Figures, *, whole: bool) -> str:
    """Return the table of the ratios; in a whole run also those that were not measured."""
    rows = [["ratio", "target", "reached", "rounds", ""], ["---", "---:", "---:", "---:", "---"]]
    for ratio in RATIOS:
        reached = ratio.reached(figures)
        if reached is None and not whole:
            continue
        target = f"{'≤' if ratio.ceiling else '≥'} {ratio.target:g}"
        if reached is None:
            rows.append([ratio.title, target, "–", "not measured", "✗"])
            continue
        rounds = ratio.rounds(figures)
        spread = f"{min(rounds):.2f}–{max(rounds):.2f}"
        mark = "✓" if ratio.met(reached) else "✗"
        rows.append([ratio.title, target, f"{reached:.2f}", spread, mark])
    return f"To reach, as ratios within this run\n\n{aligned(rows)}\n" if len(rows) > 2 else ""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table with aligned columns. The second row is the line below the head."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def _family(
    figures: Figures, titles: Mapping[str, str], family: Family, columns: Sequence[Column]
) -> str:
    rows = [["server", *(c.title for c in columns)], ["---", *("---:" for _ in columns)]]
    rows += [
        [titles[peer], *(_cell(figures, peer, column, family.unit) for column in columns)]
        for peer in figures.peers()
        if any(figures.values(peer, column.name) for column in columns)
    ]
    return f"{family.title}\n\n{aligned(rows)}\n"


def _cell(figures: Figures, peer: str, column: Column, unit: str) -> str:
    values = figures.values(peer, column.name)
    if not values:
        return "–"
    value = median(values)
    if unit == "cost":
        if not value:  # so short a load that the system has counted no CPU time for it
            return "–"
        return f"{1e6 / value:.2f}{_spread(values)}"
    if unit == "latency":
        rate = figures.median(peer, column.name, "rate")
        return f"{value:,.0f} µs{_spread(values)} at {rate:,.0f}/s"
    number = f"{value:,.0f}" if unit == "rate" else f"{value:.1f}"
    return f"{number}{_spread(values)}{_against_reference(figures, column, value)}"


def _spread(values: Sequence[float]) -> str:
    """Return half of the difference of the best and the worst round, as a share of the median."""
    middle = median(values)
    if len(values) < 2 or not middle:
        return ""
    return f" ±{(max(values) - min(values)) / 2 / middle:.0%}"


def _against_reference(figures: Figures, column: Column, value: float) -> str:
    reference = figures.median(REFERENCE, column.name)
    return f" ({value / reference:.2f} ×)" if reference else ""


def _missing(figures: Figures, titles: Mapping[str, str]) -> str:
    lines = [
        f"- {titles[peer]}{f', {column}' if column else ''}: {reason}"
        for (peer, column), reason in figures.missing.items()
    ]
    return "Left out\n\n" + "\n".join(lines) + "\n"
