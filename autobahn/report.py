"""The results of the cases: judged strictly, counted, and shown as a table."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .cases import SECTIONS
from .client import AGENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass
class Report:
    """The cases of one reactor.

    Args:
        passed: for each section the number of cases that are strictly right.
        failed: for each case that is not, a description of its problem.
        missing: a line for each shard that reported fewer cases than it has.
    """

    passed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of cases that were run to their end."""
        return sum(self.passed.values()) + len(self.failed)

    @property
    def problems(self) -> list[str]:
        """A line for each problem."""
        cases = sorted(self.failed, key=_order)
        return [*self.missing, *(f"{case}: {self.failed[case]}" for case in cases)]

    def ran(self, section: str) -> bool:
        """Tell whether any case of a section was run to its end."""
        failed = any(case.partition(".")[0] == section for case in self.failed)
        return failed or section in self.passed

    def take(self, folder: Path, name: str, expected: int) -> None:
        """Judge the results of one shard.

        Args:
            folder: has the `index.json` of `wstest`, which it writes at its end only.
            name: the name of the shard.
            expected: the number of its cases.
        """
        path = folder / "index.json"
        results = json.loads(path.read_text()).get(AGENT, {}) if path.exists() else {}
        if len(results) != expected:
            self.missing.append(f"{name}: {len(results)} of {expected} cases were run")
        for case, result in results.items():
            section = case.partition(".")[0]
            if problem := _problem(section, result["behavior"], result["behaviorClose"]):
                self.failed[case] = problem
            else:
                self.passed[section] = self.passed.get(section, 0) + 1


def table(reports: Mapping[str, Report]) -> str:
    """Return the table of sections and reactors as Markdown.

    Args:
        reports: for each reactor its report.
    """
    rows = [["", "section", *reports], ["---:", "---", *("---:" for _ in reports)]]
    rows += [
        [section, title, *(_cell(report, section) for report in reports.values())]
        for section, (title, _) in SECTIONS.items()
        if any(report.ran(section) for report in reports.values())
    ]
    sums = (f"{sum(r.passed.values())} of {r.total}" for r in reports.values())
    rows.append(["", "all", *sums])
    return _aligned(rows)


def _problem(section: str, behavior: str, close: str) -> str:
    # Some cases of section 7 only show what a server does, and are always INFORMATIONAL.
    right = {"OK", "INFORMATIONAL"} if section == "7" else {"OK"}
    wrong = [f"{word}" for word in (behavior,) if word not in right]
    wrong += [f"close {word}" for word in (close,) if word not in right]
    return ", ".join(wrong)


def _cell(report: Report, section: str) -> str:
    failed = sum(case.partition(".")[0] == section for case in report.failed)
    passed = report.passed.get(section, 0)
    return f"{passed} of {passed + failed}"


def _order(case: str) -> list[int]:
    return [int(part) for part in case.split(".")]


def _aligned(rows: Sequence[Iterable[str]]) -> str:
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    )
