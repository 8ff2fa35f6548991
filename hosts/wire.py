"""`python -m hosts.wire`: each host and each bare server against the cases of the wire.

The results become docs/reference/wire.md with --write.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sock.testing.wire import CASES, SECTIONS, Outcome, Run, Target, Verdict, run_cases

from .bare import bare_servers, version_of
from .host import HOSTS, Host
from .reported import KNOWN, REPORTED
from .run import ROOT, WORK, NotStarted, started

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE: Final = ROOT / "docs" / "reference" / "wire.md"
_SIDE_BY_SIDE: Final = 2
_ISSUES: Final = "https://github.com/"


@dataclass(frozen=True, slots=True)
class Row:
    """The results of one server.

    Args:
        host: the server.
        bare: whether it echoes by itself, without Sock.
        run: what became of the cases.
    """

    host: Host
    bare: bool
    run: Run

    @property
    def title(self) -> str:
        """Its name and version."""
        sock = "" if self.bare or self.host.name == "sock" else "Sock in "
        return f"{sock}{self.host.name} {version_of(self.host)}"


def try_wire(host: Host, *, bare: bool = False) -> Row:
    """Start a host with an echo, and try it with every case of the wire."""
    kind = "bare" if bare else "host"
    log = WORK / "wire" / f"{kind}-{host.distribution or 'ws'}-{len(host.name)}.log"
    with started(host, "echo", log) as (port, _):
        return Row(host, bare, asyncio.run(run_cases(Target("127.0.0.1", port), CASES)))


def page(rows: Sequence[Row]) -> str:
    """Return the page."""
    today = datetime.now(UTC).date().isoformat()
    intro = (
        f"Written by `python -m hosts.wire --write` on {today}. Each server runs in a process of"
        f" its own, as an echo with its default settings, and gets the {len(CASES)} cases of"
        " [`sock check`](../howto/check-a-server.md). The first rows are Sock on its hosts; the"
        " others are the same servers, and more, without Sock.\n"
    )
    signs = (
        "✓: every case of the section held. ✗ with a number: so many cases fell, and each of them"
        " is a MUST of its RFC. ~ with a number: so many cases held what the RFC demands, and not"
        " what it recommends. –: the server has nothing to try it with, such as compression.\n"
    )
    legend = "\n".join(f"{section.number}. {section.title}" for section in SECTIONS)
    parts = ["# The wire of servers\n", intro, signs, _sums(rows), "## By section\n", _table(rows)]
    parts += [f"{legend}\n", "## What fell\n", _explained()]
    parts += [_fallen(row) for row in rows]
    return "\n".join(parts)


def cell(run: Run, section: int) -> str:
    """Return the cell of one section."""
    counts = Counter(
        outcome.verdict
        for outcome in run.outcomes
        if outcome.case.number.partition(".")[0] == str(section)
    )
    if counts[Verdict.FELL] or counts[Verdict.REMARK]:
        fell = f"✗{counts[Verdict.FELL]}" if counts[Verdict.FELL] else ""
        remarks = f"~{counts[Verdict.REMARK]}" if counts[Verdict.REMARK] else ""
        return f"{fell} {remarks}".strip()
    return "✓" if counts[Verdict.HELD] else "–"


def _sums(rows: Sequence[Row]) -> str:
    lines = [
        "| server | held | fell | to improve | left out |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        run = row.run
        left_out = run.count(Verdict.SKIPPED) + run.count(Verdict.NOT_RUN)
        lines.append(
            f"| {row.title} | {run.count(Verdict.HELD)} | {run.count(Verdict.FELL)}"
            f" | {run.count(Verdict.REMARK)} | {left_out} |"
        )
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Row]) -> str:
    numbers = [section.number for section in SECTIONS]
    lines = [f"| server | {' | '.join(map(str, numbers))} |", f"| --- |{' --- |' * len(numbers)}"]
    for row in rows:
        cells = " | ".join(cell(row.run, number) for number in numbers)
        lines.append(f"| {row.title} | {cells} |")
    return "\n".join(lines) + "\n"


def _explained() -> str:
    return (
        "`sock check --only NUMBER URL` tries one case again. A link leads to where it was reported"
        " before.\n\n"
        "What several servers do was sent once more by hand, as bytes from a plain socket, to at"
        " least six of them, before the case was believed: 2.3 (HTTP/1.0), 2.13 (a short key), 2.24"
        " and 2.25 (no Host, two Hosts), 2.34 (a body), 4.26 (no mask), 8.27 (Close with 1005),"
        " 9.18 (`010`), 10.4 (a final block; the bytes are those of RFC 7692 §7.2.3.4), 10.20 (a"
        " ping between compressed fragments) and 11.11 (a field of 256 KiB).\n"
    )


def _fallen(row: Row) -> str:
    fallen = [one for one in row.run.outcomes if one.verdict is Verdict.FELL]
    lines = [_fell(row, one) for one in fallen] or ["Nothing."]
    return "\n".join([f"### {row.title}\n", *lines]) + "\n"


def _fell(row: Row, one: Outcome) -> str:
    seen = one.seen.replace("|", "\\|").replace("<", "\\<").replace("\n", " ")[:160]
    text = f"- {one.case.number} {one.case.title} {one.case.rfc}. Seen: {seen}."
    if not row.bare:
        why = KNOWN.get((row.host.name, one.case.number))
        return f"{text} {why}." if why else text
    for server, number, place in REPORTED:
        if number == one.case.number and server in row.host.name:
            return f"{text} [{place}]({_ISSUES}{place.replace('#', '/issues/')})"
    return text


def problems(rows: Sequence[Row]) -> list[str]:
    """Return a line for each case that falls in a native host of Sock, and is not known to."""
    return [
        f"{row.title}: {one.case.number} {one.case.title} {one.expected}; {one.seen}"
        for row in rows
        if row.host.native and not row.bare
        for one in row.run.outcomes
        if one.verdict is Verdict.FELL and (row.host.name, one.case.number) not in KNOWN
    ]


def main() -> int:
    """Try what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m hosts.wire", description=__doc__)
    parser.add_argument("-k", metavar="TEXT", default="", help="only servers of this name")
    parser.add_argument("--write", action="store_true", help="keep the results as the page")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = [(host, False) for host in HOSTS if not host.gateway]
    wanted += [(host, True) for host in bare_servers()]
    wanted = [(host, bare) for host, bare in wanted if arguments.k in host.name]
    if arguments.write and arguments.k:
        parser.error("--write keeps the results of all servers")

    def one(host: Host, bare: bool) -> Row:  # noqa: FBT001 - a pair of the list
        began = time.monotonic()
        row = try_wire(host, bare=bare)
        counts = ", ".join(f"{row.run.count(verdict)} {verdict.value}" for verdict in Verdict)
        print(
            f"{row.title}{' (bare)' if bare else ''}: {counts}, in {time.monotonic() - began:.0f} s"
        )
        sys.stdout.flush()
        return row

    try:
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as threads:
            rows = list(threads.map(lambda pair: one(*pair), wanted))
    except KeyboardInterrupt:
        return 130
    except NotStarted as error:
        print(f"hosts: {error}", file=sys.stderr)
        return 1
    if arguments.write:
        PAGE.write_text(page(rows))
    found = problems(rows)
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
