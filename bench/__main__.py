"""`python -m bench`: interleaved rounds of every column on every server, then the table.

Rounds are interleaved, because a shared machine drifts: what slows one server down for ten seconds
must slow the others down as well. The figure to read is the ratio within one run.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import load
from .column import COLUMNS, REFERENCE, Column
from .server import PEERS, Server, ServerFailed, title
from .table import Figures, tables

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS: Final = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, and keep the result of a whole run."""
    arguments = _arguments()
    columns, peers = _chosen(arguments.only)
    # A build that is cut off ends its children as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    load.build()
    load.raise_file_limit()
    try:
        figures = _measure(columns, peers, arguments)
    except KeyboardInterrupt:
        return 130
    except (ServerFailed, load.LoadFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    text = tables(figures, {peer: title(peer) for peer in peers})
    print(f"\n{text}")
    if not arguments.only:
        _keep(figures, text, arguments)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        default="",
        metavar="NAME,…",
        help=f"columns ({', '.join(c.name for c in COLUMNS)}, or a family such as echo) and "
        f"servers ({', '.join(PEERS)}); a narrowed run is printed and not kept",
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--seconds", type=float, default=3, help="of load in each measurement (3)")
    return parser.parse_args()


def _chosen(only: str) -> tuple[list[Column], list[str]]:
    names = {name for name in only.split(",") if name}
    known = {*PEERS, *(c.name for c in COLUMNS), *(c.family for c in COLUMNS)}
    if unknown := names - known:
        sys.exit(f"bench: no column or server is named {', '.join(sorted(unknown))}")
    columns = [c for c in COLUMNS if names & {c.name, c.family}] or list(COLUMNS)
    peers = [peer for peer in PEERS if peer in names] or list(PEERS)
    return columns, peers


def _measure(
    columns: Sequence[Column], peers: Sequence[str], arguments: argparse.Namespace
) -> Figures:
    figures: Figures = {peer: {} for peer in peers}
    with ExitStack() as stack:
        running = {peer: stack.enter_context(Server(peer)) for peer in peers}
        for turn in range(arguments.rounds):
            for column in columns:
                # Another one begins in each round, so that nobody always has the same neighbour.
                for place in range(len(peers)):
                    peer = peers[(turn + place) % len(peers)]
                    if column.peers and peer not in column.peers:
                        continue
                    figure = _figure(column, running[peer], arguments.seconds)
                    figures[peer].setdefault(column.name, []).append(figure)
                    print(f"{turn + 1}/{arguments.rounds} {column.name:9} {peer:11} {figure:,.1f}")
    return figures


def _figure(column: Column, running: Server, seconds: float) -> float:
    # Nothing is counted while connections idle: one second is enough to weigh them.
    duration = ("-d", "1" if column.fresh else str(seconds))
    if not column.fresh:
        return load.measure(running, (*column.arguments, *duration), column.key)
    with Server(running.peer) as server:
        return load.measure(server, (*column.arguments, *duration), column.key)


def _keep(figures: Figures, text: str, arguments: argparse.Namespace) -> None:
    today = datetime.now(UTC).date().isoformat()
    python = platform.python_version()
    RESULTS.mkdir(exist_ok=True)
    raw = {
        "date": today,
        "python": python,
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "titles": {peer: title(peer) for peer in figures},
        "figures": figures,
    }
    (RESULTS / "latest.json").write_text(json.dumps(raw, indent=1) + "\n")
    (RESULTS / "latest.md").write_text(
        f"# Figures\n\nWritten by `make bench` on {today}: Python {python}, uvloop, one process, "
        "the server on one core and the load client on another, no compression; medians of "
        f"{arguments.rounds} interleaved rounds of {arguments.seconds:g} s; × is the ratio to "
        f"{REFERENCE} in the same run. On another machine, or beside other work, the figures "
        f"differ and the ratios hold.\n\n{text}"
    )


if __name__ == "__main__":
    sys.exit(main())
