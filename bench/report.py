"""What a whole run leaves behind: `results/latest.json`, `latest.md`, the picture, the README."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from . import picture, readme
from .peer import REFERENCE
from .ratio import RATIOS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .figures import Figures

RESULTS: Final = Path(__file__).parent / "results"

Document: TypeAlias = dict[str, Any]
"""What `latest.json` holds; `picture.py` and `readme.py` read it."""


def keep(figures: Figures, titles: Mapping[str, str], text: str) -> None:
    """Write all of it.

    Args:
        figures: of a whole run.
        titles: a server to its name with its version.
        text: the tables as they were printed.
    """
    document = document_of(figures, titles)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "latest.md").write_text(f"{_head(document)}\n{text}")
    (RESULTS / "echo.svg").write_text(picture.draw(document))
    readme.write(document)


def document_of(figures: Figures, titles: Mapping[str, str]) -> Document:
    """Say everything about a run in a form that JSON can hold."""
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


def _head(document: Document) -> str:
    return (
        f"# Figures\n\nWritten by `make bench` on {document['date']}: Python {document['python']}, "
        "uvloop where the server takes it, one process, the server on one core and the load client "
        "on another, no compression; medians of interleaved rounds, ± half of the way from the "
        f"worst round to the best; × is the ratio to {REFERENCE} in the same run. On another "
        "machine, or beside other work, the figures differ and the ratios hold. How to read them: "
        "[bench/README.md](../README.md).\n"
    )
