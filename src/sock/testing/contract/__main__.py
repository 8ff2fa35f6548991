"""`python -m sock.testing.contract URL`: a table of what a host does, and what it does not."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from typing import TYPE_CHECKING

from . import CASES, LIMITS, Outcome, check_all

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    given = parser.parse_args(arguments)
    return asyncio.run(_check_all(given.url, given.k, set(given.statement), given.limit))


async def _check_all(url: str, wanted: str, statements: set[str], limits: list[str]) -> int:
    chosen = [
        case
        for case in CASES
        if wanted in case.name and (not statements or statements & set(case.statements))
    ]
    counts: Counter[Outcome] = Counter()
    async for verdict in check_all(url, chosen, limits=limits):
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
