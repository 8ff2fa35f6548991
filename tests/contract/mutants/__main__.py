"""`make mutants`: break our server in one statement after the other, and see a case notice each.

It prints a line for each mutant that no case of its statement sees, and exits with 1 if there is
any. The server that is not broken must pass every case.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from sock.testing import contract

from .mutant import mutants
from .page import LEVELS, PAGE, levels, page
from .trial import Trial, tried

_JOBS = 6  # also on two cores, because most of the time they wait


def main() -> int:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract.mutants", description=__doc__)
    parser.add_argument("-k", metavar="TEXT", default="", help="only mutants with this in them")
    parser.add_argument("--jobs", type=int, default=_JOBS, help="how many are tried at a time")
    parser.add_argument("--verbose", action="store_true", help="say which case sees each mutant")
    parser.add_argument(
        "--levels", action="store_true", help="write the table of statements, and try nothing"
    )
    parser.add_argument(
        "--page", action="store_true", help="write docs/reference/suite.md, and try nothing"
    )
    given = parser.parse_args()
    if given.levels:
        LEVELS.write_text(levels())
        return 0
    if given.page:
        PAGE.write_text(page())
        return 0
    return asyncio.run(_all(given.k, given.jobs, verbose=given.verbose))


async def _all(wanted: str, jobs: int, *, verbose: bool) -> int:
    began = time.monotonic()
    chosen = [mutant for mutant in mutants() if wanted in f"{mutant} {mutant.file}"]
    places = asyncio.Semaphore(jobs)
    problems = 0
    with tempfile.TemporaryDirectory(prefix="sock-mutants-") as folder:

        async def one(number: int, mutant=None) -> Trial:
            async with places:
                home = Path(folder) / str(number)
                home.mkdir()
                proofs = [
                    case
                    for case in contract.CASES
                    if mutant is None or mutant.statement in case.statements
                ]
                return await tried(mutant, proofs, home)

        trials = [one(number, mutant) for number, mutant in enumerate(chosen)]
        if not wanted:
            trials.append(one(len(chosen)))
        for result in asyncio.as_completed(trials):
            trial = await result
            name = trial.mutant or "the whole server"
            if trial.problem:
                problems += 1
                _say(f"{name}: {trial.problem}")
            elif verbose:
                _say(f"{name}: {next(iter(trial.failed), 'passes')}")
    statements = {mutant.statement for mutant in chosen}
    _say(
        f"{len(chosen)} of {len(statements)} statements, {problems} problems,"
        f" in {time.monotonic() - began:.0f} s"
    )
    return 1 if problems else 0


def _say(line: str) -> None:
    sys.stdout.write(f"mutants: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
