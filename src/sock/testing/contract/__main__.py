"""`python -m sock.testing.contract URL`: a table of what a host does, and what it does not."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from . import CASES, LIMITS, Failure, Skipped, check

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = max(len(case.name) for case in CASES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a host; return how to exit: 1 when it fails a case."""
    parser = argparse.ArgumentParser(prog="python -m sock.testing.contract", description=__doc__)
    parser.add_argument("url", help="where sock.testing.contract:app is served, ws://HOST:PORT")
    parser.add_argument("-k", metavar="TEXT", default="", help="only cases with this in their name")
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        choices=[*LIMITS],
        help="what the host cannot do; may be given several times",
    )
    given = parser.parse_args(arguments)
    return asyncio.run(_check_all(given.url, given.k, given.limit))


async def _check_all(url: str, wanted: str, limits: list[str]) -> int:
    failed = passed = skipped = 0
    for case in CASES:
        if wanted not in case.name:
            continue
        try:
            await check(url, case, limits=limits)
        except Failure as failure:
            failed += 1
            verdict = f"FAILED  {failure}"
        except Skipped as reason:
            skipped += 1
            verdict = f"skipped {reason}"
        else:
            passed += 1
            verdict = "passed"
        _say(f"{case.name:{_WIDTH}}  {','.join(map(str, case.rules)):10}  {verdict}")
    _say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
