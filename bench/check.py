"""`python -m bench.check`: compare the ratios with those recorded in `results/recorded.json`.

A ratio that fell by more than `TOLERANCE` is measured again before this counts as a failure:
another program on the machine makes a ratio fall too, but not the same one each time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import load
from .peer import NotAvailable, compiled
from .plan import plan_of_cells
from .ratio import RATIOS
from .rounds import Effort, measure
from .server import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ratio import Ratio

RECORDED: Final = Path(__file__).parent / "results" / "recorded.json"

TOLERANCE: Final = 0.05
"""A ratio that loses a larger share has regressed."""

ATTEMPTS: Final = 3
"""How many times a ratio must be too low before it counts as fallen."""

OWN_LOAD: Final = 2.2
"""The load average that a server and the client cause by themselves, and a little more.

Another program uses the caches too, which costs Python more than C, so the ratios do fall then.
"""

ROUNDS: Final = 5
"""The rounds of each measurement. On a shared machine, fewer have too much noise."""


def main() -> int:
    """Compare the ratios, or record them."""
    arguments = _arguments()
    effort = Effort(arguments.rounds, arguments.seconds)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        load.build()
        if arguments.record or arguments.add:
            return record(effort, keep=arguments.add)
        return check(effort)
    except KeyboardInterrupt:
        return 130
    except (NotAvailable, ServerFailed, load.LoadFailed) as error:
        print(f"bench-check: sock: {error}", file=sys.stderr)
        return 1


def record(effort: Effort, *, keep: bool) -> int:
    """Measure the ratios and record them for later comparisons.

    Args:
        effort: how often and how long each is measured.
        keep: whether to keep the ratios that are recorded, and to measure the others only.
    """
    kept: dict[str, float] = json.loads(RECORDED.read_text())["ratios"] if keep else {}
    new = [ratio for ratio in RATIOS if ratio.checked and ratio.name not in kept]
    measured = _measured(new, effort)
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "compiled": compiled(),
        "ratios": kept | {name: round(value, 3) for name, value in measured.items()},
    }
    RECORDED.write_text(json.dumps(document, indent=1) + "\n")
    print(f"bench-check: {len(measured)} ratios recorded")
    return 0


def check(effort: Effort) -> int:
    """Measure the recorded ratios, and print which of them fell."""
    if not RECORDED.exists():
        print("bench-check: no ratios are recorded yet: make bench-check ARGS=--record")
        return 1
    document = json.loads(RECORDED.read_text())
    if document["compiled"] != compiled():
        was, now = ("compiled", "pure") if document["compiled"] else ("pure", "compiled")
        print(f"bench-check: the ratios were recorded with a {was} sock, and this one is {now}")
        return 1
    recorded: dict[str, float] = document["ratios"]
    held = [ratio for ratio in RATIOS if ratio.name in recorded]
    fallen = held
    lines: dict[str, str] = {}
    for attempt in range(ATTEMPTS):
        measured = _measured(fallen, effort)
        fallen = [ratio for ratio in fallen if _fell(ratio, recorded, measured, lines)]
        if not fallen:
            break
        if attempt + 1 < ATTEMPTS:
            print(f"bench-check: again: {', '.join(ratio.name for ratio in fallen)}")
    print("\n" + "\n".join(lines.values()))
    for name in sorted(set(recorded) - {ratio.name for ratio in held}):
        print(f"bench-check: {name} is recorded, but there is no such ratio any more")
    print(f"bench-check: {len(held) - len(fallen)} ratios held, {len(fallen)} fell")
    if fallen and (busy := os.getloadavg()[0]) > OWN_LOAD:
        print(
            f"bench-check: the load is {busy:.1f}: another program runs, so the trial is not fair"
        )
    return 1 if fallen else 0


def _fell(
    ratio: Ratio, recorded: dict[str, float], measured: dict[str, float], lines: dict[str, str]
) -> bool:
    """Add the line of a ratio; return whether the ratio fell."""
    was, now = recorded[ratio.name], measured.get(ratio.name)
    fell = now is None or ratio.fell(now, was, TOLERANCE)
    found = "not measured" if now is None else f"{now:.3f}"
    verdict = "FELL" if fell else "held"
    lines[ratio.name] = f"{verdict}  {ratio.name:28} recorded {was:.3f}, now {found}"
    return fell


def _measured(ratios: Sequence[Ratio], effort: Effort) -> dict[str, float]:
    figures = measure(plan_of_cells(cell for ratio in ratios for cell in ratio.cells()), effort)
    for (peer, column), reason in figures.missing.items():
        print(f"bench-check: {peer} {column}: {reason}", file=sys.stderr)
    return {
        ratio.name: reached for ratio in ratios if (reached := ratio.reached(figures)) is not None
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.check", description=__doc__)
    parser.add_argument("--record", action="store_true", help="record the ratios of this run")
    parser.add_argument("--add", action="store_true", help="record those that are not recorded yet")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each ({ROUNDS})")
    parser.add_argument("--seconds", type=float, help="of load in each measurement (0.8 or 1.2)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
