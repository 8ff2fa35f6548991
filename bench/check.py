"""`python -m bench.check`: hold the ratios to those recorded in `results/recorded.json`.

A ratio that fell by more than `TOLERANCE` is measured again before that is called a failure:
another program on the machine makes one fall too, but not each time the same one.
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
from .peer import NotHere, compiled
from .plan import made_of
from .ratio import RATIOS
from .rounds import Effort, measure
from .server import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ratio import Ratio

RECORDED: Final = Path(__file__).parent / "results" / "recorded.json"

TOLERANCE: Final = 0.05
"""The share of a ratio whose loss is a regression to explain."""

ATTEMPTS: Final = 3
"""How often a ratio may be found too low before it counts."""

OWN_LOAD: Final = 2.2
"""The load average that a server and the client make by themselves, and a little.

A neighbour takes caches too, which costs Python more than it costs C: then ratios do fall.
"""

ROUNDS: Final = 5
"""Of everything: half of the tolerance is the noise of fewer, on a machine that is shared."""


def main() -> int:
    """Check, or record."""
    arguments = _arguments()
    effort = Effort(arguments.rounds, arguments.seconds)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        load.build()
        return record(effort) if arguments.record else check(effort)
    except KeyboardInterrupt:
        return 130
    except (NotHere, ServerFailed, load.LoadFailed) as error:
        print(f"bench-check: sock: {error}", file=sys.stderr)
        return 1


def record(effort: Effort) -> int:
    """Measure, and write down what is to be held from now on."""
    measured = _measured([ratio for ratio in RATIOS if ratio.checked], effort)
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "compiled": compiled(),
        "ratios": {name: round(value, 3) for name, value in measured.items()},
    }
    RECORDED.write_text(json.dumps(document, indent=1) + "\n")
    print(f"bench-check: {len(measured)} ratios recorded")
    return 0


def check(effort: Effort) -> int:
    """Measure what is recorded, and say what fell."""
    if not RECORDED.exists():
        print("bench-check: nothing is recorded yet: make bench-check ARGS=--record")
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
        fallen = [ratio for ratio in fallen if _told(ratio, recorded, measured, lines)]
        if not fallen:
            break
        if attempt + 1 < ATTEMPTS:
            print(f"bench-check: again: {', '.join(ratio.name for ratio in fallen)}")
    print("\n" + "\n".join(lines.values()))
    for name in sorted(set(recorded) - {ratio.name for ratio in held}):
        print(f"bench-check: {name} is recorded, and no longer known")
    print(f"bench-check: {len(held) - len(fallen)} ratios held, {len(fallen)} fell")
    if fallen and (busy := os.getloadavg()[0]) > OWN_LOAD:
        print(f"bench-check: the load is {busy:.1f}, so something else is running: no fair trial")
    return 1 if fallen else 0


def _told(
    ratio: Ratio, recorded: dict[str, float], measured: dict[str, float], lines: dict[str, str]
) -> bool:
    """Write the line of a ratio; return whether it fell."""
    was, now = recorded[ratio.name], measured.get(ratio.name)
    fell = now is None or ratio.fell(now, was, TOLERANCE)
    found = "not measured" if now is None else f"{now:.3f}"
    verdict = "FELL" if fell else "held"
    lines[ratio.name] = f"{verdict}  {ratio.name:28} recorded {was:.3f}, now {found}"
    return fell


def _measured(ratios: Sequence[Ratio], effort: Effort) -> dict[str, float]:
    figures = measure(made_of(cell for ratio in ratios for cell in ratio.cells()), effort)
    for (peer, column), reason in figures.missing.items():
        print(f"bench-check: {peer} {column}: {reason}", file=sys.stderr)
    return {
        ratio.name: reached for ratio in ratios if (reached := ratio.reached(figures)) is not None
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.check", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write down what is measured now")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each ({ROUNDS})")
    parser.add_argument("--seconds", type=float, help="of load in each measurement (0.8 or 1.2)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
