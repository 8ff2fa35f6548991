"""Keep a whole run: in `results/latest.json`, `latest.md`, the picture and the README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import picture, readme
from .document import document_of
from .peer import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .document import Document
    from .figures import Figures

RESULTS: Final = Path(__file__).parent / "results"


def keep(figures: Figures, titles: Mapping[str, str], text: str) -> None:
    """Write all of these files.

    Args:
        figures: the figures of a whole run.
        titles: for each server its name with its version.
        text: the tables, as they were printed.
    """
    document = document_of(figures, titles)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / "latest.md").write_text(f"{_head(document)}\n{text}")
    (RESULTS / "echo.svg").write_text(picture.draw(document))
    readme.write(document)


def _head(document: Document) -> str:
    return (
        f"# Figures\n\nWritten by `make bench` on {document['date']}: Python {document['python']}, "
        "uvloop where the server takes it, one process, the server on one core and the load client "
        "on another, no compression; medians of interleaved rounds, ± half of the way from the "
        f"worst round to the best; × is the ratio to {REFERENCE} in the same run. On another "
        "machine, or beside other work, the figures differ and the ratios hold. How to read them: "
        "[bench/README.md](../README.md).\n"
    )
