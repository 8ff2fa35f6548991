"""A whole run as one document, in a form that JSON can hold: the content of `latest.json`."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

from .ratio import RATIOS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .figures import Figures

Document: TypeAlias = dict[str, Any]
"""The content of `latest.json`, from which the picture and the README are made."""


def document_of(figures: Figures, titles: Mapping[str, str]) -> Document:
    """Return everything that is known of a run."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "titles": {peer: titles[peer] for peer in figures.peers()},
        "missing": [
            {"server": peer, "column": column, "reason": reason}
            for (peer, column), reason in figures.missing.items()
        ],
        "figures": {
            peer: {column: _summary(figures, peer, column) for column in figures.samples[peer]}
            for peer in figures.peers()
        },
        "ratios": [
            {
                "name": ratio.name,
                "title": ratio.title,
                "target": ratio.target,
                "at_most": ratio.ceiling,
                "reached": None if reached is None else round(reached, 3),
                "met": reached is not None and ratio.met(reached),
                "rounds": [round(value, 3) for value in ratio.rounds(figures)],
            }
            for ratio in RATIOS
            for reached in [ratio.reached(figures)]
        ],
    }


def _summary(figures: Figures, peer: str, column: str) -> Mapping[str, object]:
    values = figures.values(peer, column)
    wall = {
        name: _rounded([median(figures.values(peer, column, name))])[0]
        for name in ("per_s", "rate", "server_cpu", "client_cpu", "p50_us", "p99_us")
    }
    low, middle, high = _rounded([min(values), median(values), max(values)])
    return {"median": middle, "min": low, "max": high, "rounds": _rounded(values), **wall}


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]
