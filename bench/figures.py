"""What was measured, round by round, and what could not be."""

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
        samples: by server and column, one for each round, in order: the same place in two lists is
            the same round.
        missing: why a server (column "") or one of its columns was left out.
    """

    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    missing: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, peer: str, column: str, sample: Sample) -> None:
        """Take one round."""
        self.samples.setdefault(peer, {}).setdefault(column, []).append(sample)

    def leave_out(self, peer: str, column: str, reason: str) -> None:
        """Measure this no more; what there is of it would not be comparable."""
        self.missing[peer, column] = reason
        self.samples.get(peer, {}).pop(column, None)

    def left_out(self, peer: str, column: str) -> bool:
        """Whether a server, or this column of it, is not measured."""
        return (peer, "") in self.missing or (peer, column) in self.missing

    def values(self, peer: str, column: str, key: str = "") -> list[float]:
        """The figures of a column, or others of the same samples; empty if it was not measured."""
        samples = self.samples.get(peer, {}).get(column, [])
        return [sample[key or NAMED[column].key] for sample in samples]

    def median(self, peer: str, column: str, key: str = "") -> float | None:
        """The figure to tell; None if it was not measured."""
        values = self.values(peer, column, key)
        return median(values) if values else None

    def has(self, column: str) -> bool:
        """Whether anybody has this column."""
        return any(column in columns for columns in self.samples.values())

    def peers(self) -> list[str]:
        """Who was measured, in order."""
        return [peer for peer, columns in self.samples.items() if columns]
