"""The results of a run, round by round, and the reasons for the missing ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from .column import NAMED

if TYPE_CHECKING:
    from .load import Sample


@dataclass
class Figures:
    """The samples of one run.

    Args:
        samples: for each server and column the samples of the rounds, in order: the same index in
            two lists is the same round.
        missing: the reason why a server (column "") or one of its columns was left out.
    """

    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    missing: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, peer: str, column: str, sample: Sample) -> None:
        """Add the sample of one round."""
        self.samples.setdefault(peer, {}).setdefault(column, []).append(sample)

    def leave_out(self, peer: str, column: str, reason: str) -> None:
        """Leave a server or a column out from now on, and drop its earlier rounds."""
        self.missing[peer, column] = reason
        self.samples.get(peer, {}).pop(column, None)

    def left_out(self, peer: str, column: str) -> bool:
        """Tell whether a server, or this column of it, is left out."""
        return (peer, "") in self.missing or (peer, column) in self.missing

    def values(self, peer: str, column: str, key: str = "") -> list[float]:
        """Return the figures of a column, or others of its samples; empty if not measured."""
        samples = self.samples.get(peer, {}).get(column, [])
        return [sample[key or NAMED[column].key] for sample in samples]

    def median(self, peer: str, column: str, key: str = "") -> float | None:
        """Return the median of a figure; None if it was not measured."""
        values = self.values(peer, column, key)
        return median(values) if values else None

    def has(self, column: str) -> bool:
        """Tell whether any server has this column."""
        return any(column in columns for columns in self.samples.values())

    def peers(self) -> list[str]:
        """Return the servers that were measured, in order."""
        return [peer for peer, columns in self.samples.items() if columns]
