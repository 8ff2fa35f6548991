"""`python -m sock.testing.contract URL`: a table of what a host does, and what it does not.

From the command line drain cases are skipped unless `--drain-pid` is given.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING

from . import CASES, DRAIN_BOUND, LIMITS, Outcome, check_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from . import Drain

_WIDTH = max(len(case.name) for case in CASES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a host; return how to exit: 1 when it fails a case."""
    parser = argparse.ArgumentParser(prog="python -m sock.testing.contract", description=__doc__)
    parser.add_argument("url", help="where sock.testing.contract:app is served, ws://HOST:PORT")
    parser.add_argument("-k", metavar="TEXT", default="", help="only cases with this in their name")
    parser.add_argument(
        "--statement",
        metavar="NUMBER",
        action="append",
        default=[],
        help="only cases that prove this statement, such as S7.5; may be given several times",
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        choices=[*LIMITS],
        help="what the host cannot do; may be given several times",
    )
    parser.add_argument(
        "--drain-pid",
        metavar="NUMBER",
        type=_process,
        help="the process of the host, which has to drain within the `drain_timeout` of the"
        f" application, {DRAIN_BOUND:.0f} s, when it gets a SIGTERM: it gets one, once, at the end;"
        " the cases that need a drain are skipped without this",
    )
    given = parser.parse_args(arguments)
    drain = None if given.drain_pid is None else _drain_of(given.drain_pid)
    return asyncio.run(_check_all(given.url, given.k, set(given.statement), given.limit, drain))


def _process(text: str) -> int:
    """Return the number of a process that is there, and that may be sent a signal."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number <= 0:  # for os.kill, these are groups of processes
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a process")
    try:
        os.kill(number, 0)
    except (OSError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"process {number}: {error}") from error
    return number


def _drain_of(process: int) -> Drain:
    """Return what asks a process to stop."""

    async def drain() -> None:
        os.kill(process, signal.SIGTERM)

    return drain


async def _check_all(
    url: str, wanted: str, statements: set[str], limits: list[str], drain: Drain | None
) -> int:
    chosen = [
        case
        for case in CASES
        if wanted in case.name and (not statements or statements & set(case.statements))
    ]
    counts: Counter[Outcome] = Counter()
    async for verdict in check_all(url, chosen, limits=limits, drain=drain):
        counts[verdict.outcome] += 1
        case, outcome = verdict.case, verdict.outcome.value
        _say(f"{outcome:7}  {case.name:{_WIDTH}}  {' '.join(case.statements)}  {verdict.text}")
    advised = f", {counts[Outcome.ADVISED]} advised" if counts[Outcome.ADVISED] else ""
    _say(
        f"{counts[Outcome.PASSED]} passed, {counts[Outcome.FAILED]} failed,"
        f" {counts[Outcome.SKIPPED]} skipped{advised}"
    )
    return 1 if counts[Outcome.FAILED] else 0


def _say(line: str) -> None:
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
