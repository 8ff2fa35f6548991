"""The report in the terminal: the sections, then what fell, what is recommended, and the sum."""

from __future__ import annotations

import os
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Final

import click

from sock.testing.wire import Verdict

from .finding import STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .finding import Finding
    from .watch import Watched

_WIDTH: Final = 100
_COLOURS: Final = {
    Verdict.HELD: "green",
    Verdict.FELL: "red",
    Verdict.REMARK: "yellow",
    Verdict.SKIPPED: "bright_black",
    Verdict.NOT_RUN: "magenta",
}
_WORDS: Final = {
    Verdict.HELD: "held",
    Verdict.FELL: "fell",
    Verdict.REMARK: "to improve",
    Verdict.SKIPPED: "skipped",
    Verdict.NOT_RUN: "not run",
}


def print_report(
    findings: Sequence[Finding],
    *,
    verbose: bool = False,
    watched: Watched | None = None,
    seconds: float = 0.0,
    seed: int = 1,
) -> None:
    """Print what became of all cases: the most important at the end, where a reader looks.

    Args:
        findings: in the order of their numbers.
        verbose: whether each recommendation and each skipped case is shown in full.
        watched: what the process of the server has used.
        seconds: how long it took.
        seed: of the mutated bytes.
    """
    _print_sections(findings)
    _print_skipped(findings, verbose=verbose)
    _print_remarks([one for one in findings if one.verdict is Verdict.REMARK], verbose=verbose)
    _print_fallen([one for one in findings if one.verdict is Verdict.FELL])
    if watched is not None:
        _print_watched(watched)
    counts = Counter(one.verdict for one in findings)
    sums = [
        _styled(f"{counts[verdict]} {_WORDS[verdict]}", verdict)
        for verdict in Verdict
        if counts[verdict] or verdict in {Verdict.HELD, Verdict.FELL}
    ]
    say("")
    say(f"{len(findings)} cases: {', '.join(sums)}  ({seconds:.0f} s, seed {seed})")


def say(line: str) -> None:
    """Print a line: with colours on a terminal only, and without them if NO_COLOR is set."""
    click.echo(line, color=False if os.environ.get("NO_COLOR") else None)


def _styled(text: str, verdict: Verdict, *, bold: bool = False) -> str:
    return click.style(text, fg=_COLOURS[verdict], bold=bold)


def _print_sections(findings: Iterable[Finding]) -> None:
    parts: dict[str, dict[str, Counter[Verdict]]] = {}
    for one in findings:
        parts.setdefault(one.part, {}).setdefault(one.section, Counter())[one.verdict] += 1
    for part, sections in parts.items():
        say("")
        say(click.style(part[:1].upper() + part[1:], bold=True))
        for section, counts in sections.items():
            shown = [
                _styled(f"{counts[verdict]} {_WORDS[verdict]}", verdict)
                for verdict in Verdict
                if counts[verdict]
            ]
            say(f"  {section:42} {', '.join(shown)}")


def _print_skipped(findings: Iterable[Finding], *, verbose: bool) -> None:
    skipped = [one for one in findings if one.verdict in {Verdict.SKIPPED, Verdict.NOT_RUN}]
    if not skipped:
        return
    say("")
    say(click.style("Left out", bold=True))
    if verbose:
        for one in skipped:
            say(f"  {one.number:6} {one.title}  {one.seen}")
        return
    for reason, count in Counter(one.seen for one in skipped).most_common():
        _wrapped(f"{count:>4} {'case' if count == 1 else 'cases'}: ", reason)


def _print_remarks(remarks: Sequence[Finding], *, verbose: bool) -> None:
    if not remarks:
        return
    say("")
    say(click.style("To improve (what the RFC recommends; no failure)", bold=True))
    if verbose:
        for one in remarks:
            _print_one(one)
        return
    # A hundred cases with one and the same remark are one thing to improve.
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in remarks:
        groups.setdefault((one.expected, one.seen), []).append(one)
    for (expected, seen), some in groups.items():
        first = some[0]
        more = f" and {len(some) - 1} more" if len(some) > 1 else ""
        mark = _styled("~", Verdict.REMARK)
        say(f"  {mark} {first.number}{more}  {first.title}  {first.cites}")
        if expected:
            _wrapped("      expected  ", expected)
        _wrapped("      seen      ", seen)
    say("  (--verbose shows each of them)")


def _print_fallen(fallen: Sequence[Finding]) -> None:
    if not fallen:
        return
    say("")
    say(click.style("What fell", bold=True))
    for one in fallen:
        _print_one(one)


def _print_one(one: Finding) -> None:
    mark = _styled("✗" if one.verdict is Verdict.FELL else "~", one.verdict, bold=True)
    cites = one.cites if one.part != STATEMENTS else f"{one.cites} of the specification"
    say(f"  {mark} {one.number} {click.style(one.title, bold=True)}  {one.level}, {cites}")
    if one.expected:
        _wrapped("      expected  ", one.expected)
    _wrapped("      seen      ", one.seen)
    if one.why:
        _wrapped("      why       ", one.why)


def _print_watched(watched: Watched) -> None:
    before, after, peak = watched.before, watched.after, watched.peak
    say("")
    say(click.style("The server's process", bold=True))
    mib = 2**20
    say(
        f"  memory       {before.memory / mib:.1f} MiB before,"
        f" {peak.memory / mib:.1f} at most, {after.memory / mib:.1f} after"
    )
    say(
        f"  descriptors  {before.descriptors} before, {peak.descriptors} at most,"
        f" {after.descriptors} after"
    )
    say(f"  CPU          {after.cpu - before.cpu:.1f} s")
    for sentence in watched.growth:
        say(f"  {_styled('~', Verdict.REMARK)} {sentence}")


def _wrapped(label: str, text: str) -> None:
    indent = " " * len(label)
    lines = textwrap.wrap(
        text.replace("\n", " "), _WIDTH, initial_indent=label, subsequent_indent=indent
    )
    for line in lines or [label]:
        say(line)
