"""Write the figures of the README; `python -m bench.readme` does so from the last run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import picture
from .table import aligned

if TYPE_CHECKING:
    from .document import Document

ROOT: Final = Path(__file__).parent.parent
BEGIN: Final = "<!-- figures: begin; from bench/results/latest.json -->"
END: Final = "<!-- figures: end -->"

COLUMNS: Final = {
    "echo-1": "1 in flight",
    "echo-16": "16 in flight",
    "echo-16k": "16 KiB",
    "connect": "handshakes",
    "idle": "idle, kB",
}


def write(document: Document) -> None:
    """Replace the figures in the README by those of a run.

    Raises:
        ValueError: the README lacks the two lines between which they stand.
    """
    path = ROOT / "README.md"
    before, _, rest = path.read_text().partition("<!-- figures: begin")
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"README.md has no lines '<!-- figures: begin' and '{END}'")
    path.write_text(f"{before}{BEGIN}\n\n{block(document)}\n{END}{after}")


def block(document: Document) -> str:
    """Return the picture and the table as Markdown."""
    rows = [["server", *COLUMNS.values()], ["---", *("---:" for _ in COLUMNS)]]
    rows += [
        [title, *(_cell(document, peer, column) for column in COLUMNS)]
        for peer, title in document["titles"].items()
        if "echo-1" in document["figures"][peer]
    ]
    shown = f"![{picture.TITLE}](bench/results/echo.svg)"
    return f"{shown}\n\n{aligned(rows)}\n"


def _cell(document: Document, peer: str, column: str) -> str:
    measured = document["figures"][peer].get(column)
    if measured is None:
        return "–"
    return f"{measured['median']:,.1f}" if column == "idle" else f"{measured['median']:,.0f}"


def main() -> None:
    """Write the figures and the picture from `results/latest.json`."""
    results = ROOT / "bench" / "results"
    document: Document = json.loads((results / "latest.json").read_text())
    (results / "echo.svg").write_text(picture.draw(document))
    write(document)


if __name__ == "__main__":
    main()
