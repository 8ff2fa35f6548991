"""`python -m bench`: measure, print the tables, and keep the result of a whole run."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from typing import TYPE_CHECKING

from . import load, report
from .column import COLUMNS, FAMILIES
from .peer import PEERS, NotAvailable
from .plan import plan_of_names, whole_plan
from .rounds import Effort, measure
from .server import ServerFailed
from .table import ratios, tables

if TYPE_CHECKING:
    from collections.abc import Iterable


def main() -> int:
    """Run the benchmark as the command line says."""
    arguments = _arguments()
    plan = plan_of_names(arguments.only) if arguments.only else whole_plan()
    # SIGTERM, from a build that is cancelled, ends the servers as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        load.build()
        figures = measure(plan, Effort(arguments.rounds, arguments.seconds))
    except KeyboardInterrupt:
        return 130
    except (NotAvailable, ServerFailed, load.LoadFailed) as error:
        print(f"bench: sock: {error}", file=sys.stderr)
        return 1
    titles = titles_of(figures.samples)
    text = f"{tables(figures, titles)}\n{ratios(figures, whole=not arguments.only)}"
    print(f"\n{text}\n{time.monotonic() - began:.0f} s")
    if not arguments.only:
        report.keep(figures, titles, text)
    return 0


def titles_of(peers: Iterable[str]) -> dict[str, str]:
    """Return the titles of servers; one that is not installed keeps its name for `--only`."""
    titles: dict[str, str] = {}
    for peer in peers:
        try:
            titles[peer] = PEERS[peer].title()
        except NotAvailable:
            titles[peer] = peer
    return titles


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    columns = ", ".join(column.name for column in COLUMNS)
    families = ", ".join(family.name for family in FAMILIES)
    parser.add_argument(
        "--only",
        default="",
        metavar="NAME,…",
        help=f"columns ({columns}), families of them ({families}) and servers "
        f"({', '.join(PEERS)}); a narrowed run is printed and not kept",
    )
    parser.add_argument("--rounds", type=int, help="how often each is measured (2 to 5)")
    parser.add_argument("--seconds", type=float, help="of load in each measurement (0.8 or 1.2)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
