"""The matrix as a page: rules × hosts, with the reason for whatever does not hold."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from autobahn.cases import SECTIONS
from sock.testing import contract

from .run import AUTOBAHN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .run import Outcome

RULES: Final = {
    1: "Made at the handshake, live at `init`",
    2: "What is returned is sent",
    3: "Callbacks never overlap",
    4: "`Stream` lets go",
    5: "Ping is answered by the host",
    6: "Raising ends the connection",
    7: "An end is orderly",
    8: "`terminate` comes last, once",
    9: "Nothing is said after Close",
    10: "`Ref.send` reaches `handle_info`",
    11: "Back-pressure both ways",
    12: "Peer deadlines count received bytes",
}
_LETTERS: Final = dict(zip(contract.LIMITS, string.ascii_lowercase, strict=False))
_RULES_OF: Final = {case.name: case.rules for case in contract.CASES}


def cell(outcome: Outcome, rule: int) -> str:
    """Say of one rule and one host: holds, does not, or holds but for what is declared."""
    names = [name for name, rules in _RULES_OF.items() if rule in rules]
    if any(name in outcome.failed for name in names):
        return "✗"
    lacks = {limit for name in names for limit in outcome.declared.get(name, ())}
    if not lacks:
        return "✓"
    return "– " + " ".join(_LETTERS[limit] for limit in _LETTERS if limit in lacks)


def page(outcomes: Sequence[Outcome], title: str) -> str:
    """Return the page.

    Args:
        outcomes: of all hosts.
        title: which client the Autobahn suite had.
    """
    today = datetime.now(UTC).date().isoformat()
    written = (
        f"Written by `make hosts ARGS=--write` on {today}. Each server runs in a process of its own"
        " and is tried through a real socket: by `sock.testing.contract`, "
        f"{len(contract.CASES)} cases, and by sections 1 to 7 of the Autobahn suite ({title}),"
        " judged strictly.\n"
    )
    signs = (
        "✓: every case of the rule passes. –: those pass that the server leaves to its host; what"
        " it does not has a letter, and is said below. ✗: a case fails, as said below.\n"
    )
    where = (
        "The first four are our own and those that let go of their sockets: all of the contract."
        " The others keep their wire; each letter of the table is a limit that the host declares"
        " ([S0.3] of the specification, appendix B).\n"
    )
    parts = ["# The hosts\n", written, signs, _matrix(outcomes), "## What holds where\n", where]
    parts += [_limits(outcome) for outcome in outcomes]
    return "\n".join(parts)


def problems(outcomes: Iterable[Outcome]) -> list[str]:
    """Return a line for each case that fails and was not declared."""
    lines = [
        f"{outcome.host.name}: {name}: {what}"
        for outcome in outcomes
        for name, what in outcome.failed.items()
    ]
    lines += [
        f"{outcome.host.name}: autobahn: {problem}"
        for outcome in outcomes
        if outcome.host.native and outcome.autobahn is not None
        for problem in outcome.autobahn.problems
    ]
    return lines


def _matrix(outcomes: Sequence[Outcome]) -> str:
    rows = [["host", *map(str, RULES), "Autobahn"]]
    rows.append(["---", *("---" for _ in RULES), "---:"])
    for outcome in outcomes:
        host = outcome.host
        cells = [cell(outcome, rule) for rule in RULES]
        rows.append([f"{host.name} {version(host.distribution)}", *cells, _autobahn(outcome)])
    letters = "\n".join(
        f"- {letter}, {limit}: the server {contract.LIMITS[limit]}"
        for limit, letter in _LETTERS.items()
    )
    legend = "\n".join(f"{number}. {text}" for number, text in RULES.items())
    return f"{_table(rows)}\n\nThe rules:\n\n{legend}\n\nThe limits:\n\n{letters}\n"


def _autobahn(outcome: Outcome) -> str:
    report = outcome.autobahn
    if report is None:
        return "–"
    total = sum(SECTIONS[section][1] for section in AUTOBAHN)
    return f"{sum(report.passed.values())} of {total}"


def _limits(outcome: Outcome) -> str:
    host = outcome.host
    lines = [f"### {host.name}\n"]
    if not host.limits:
        lines.append("Nothing is declared: all of the contract must hold.\n")
    lines += [f"- **{_LETTERS[limit]}**, {limit}: {why}." for limit, why in host.limits.items()]
    if host.limits:
        lines.append("")
    if host.notes:
        lines.append(f"{host.notes}\n")
    lines += [f"- ✗ `{name}`: {_said(what)}" for name, what in outcome.failed.items()]
    if outcome.failed:
        lines.append("")
    return "\n".join(lines)


def _said(what: str) -> str:
    return what.replace("|", "\\|").replace("\n", " ")[:300]


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
