"""The results as a page: what holds on which host, and the reasons where something does not."""

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
BESIDES: Final = {
    14: ("handshake", "which handshakes are valid, and which pages may connect (section 14)"),
    16: ("codes", "close codes and reasons, for each cause (section 16)"),
    17: (
        "options",
        "the limits of `Options`, by default and in an `Upgrade` (section 17)",
    ),
}
"""Other sections that are tried: the name of the column, and what it is about."""

_CHOICE: Final = (
    ("you have", "take", "what you get"),
    ("---", "---", "---"),
    (
        "nothing but WebSockets",
        "Sock's own server: `sock run`",
        "the whole contract, at the highest speed",
    ),
    (
        "an ASGI application: FastAPI, Starlette, Litestar, Quart, Django",
        (
            "`sock run`, which starts uvicorn with Sock's protocol; or"
            " `uvicorn --ws sock.adapters.uvicorn:SockProtocol`"
        ),
        "the whole contract for its Socks, at the speed of our own server",
    ),
    (
        "an application on aiohttp or Tornado",
        "that server, with its adapter",
        "the whole contract",
    ),
    (
        "another ASGI server, which you must keep",
        "that one, with `sock.asgi`",
        (
            "your handlers run in order, send, get infos and end as they should. The server"
            " decides about the wire: pings, silent peers, compression, valid handshakes,"
            " and the code for a broken frame"
        ),
    ),
)
_ADVICE: Final = (
    "Take one of the first three rows, unless you have a reason for another server."
    " If you have one, the next table says in a sentence what each server is good"
    " for, and the rest of the page says exactly what it leaves out.\n"
)

_LETTERS: Final = dict(zip(contract.LIMITS, string.ascii_lowercase, strict=False))
_RULES_OF: Final = {case.name: case.rules for case in contract.CASES}


def cell(outcome: Outcome, rule: int) -> str:
    """Return the cell of one section and one host: holds, fails, or the letters of its limits."""
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
        outcomes: the results of all hosts.
        title: the client that ran the Autobahn suite.
    """
    today = datetime.now(UTC).date().isoformat()
    written = (
        f"Written by `make hosts ARGS=--write` on {today}. Each server runs in a process of its own"
        " and is tried through a real socket: by `sock.testing.contract`, "
        f"{len(contract.CASES)} cases, and by sections 1 to 7 of the Autobahn suite ({title}),"
        " judged strictly.\n"
    )
    signs = (
        "✓: every case of the rule passes. –: every case passes that the host does not"
        " exclude by a declared limit; the letters name those limits. ✗: a case fails."
        " Limits and failures are explained below.\n"
    )
    where = (
        "The first four are our own server and the servers that let go of their"
        " sockets: they keep the whole contract. The others keep their wire; each"
        " letter in the table is a limit that the host declares ([S0.3] of the"
        " specification, appendix B).\n"
    )
    parts = ["# The hosts\n", "## Which server should I take?\n", f"{_table(_CHOICE)}\n", _ADVICE]
    parts += [_in_words(outcomes), "## What was tried\n", written, signs]
    parts += [_matrix(outcomes), "## What holds where\n", where]
    parts += [_limits(outcome) for outcome in outcomes]
    return "\n".join(parts)


def problems(outcomes: Iterable[Outcome]) -> list[str]:
    """Return a line for each case that fails without a declared limit."""
    lines = [
        f"{outcome.host.name}: {name}: {failure}"
        for outcome in outcomes
        for name, failure in outcome.failed.items()
    ]
    lines += [
        f"{outcome.host.name}: autobahn: {problem}"
        for outcome in outcomes
        if outcome.host.native and outcome.autobahn is not None
        for problem in outcome.autobahn.problems
    ]
    return lines


def _in_words(outcomes: Sequence[Outcome]) -> str:
    rows = [["server", "of all cases hold", "in a sentence"], ["---", "---:", "---"]]
    rows += [
        [outcome.host.name, f"{len(outcome.passed)} of {len(contract.CASES)}", outcome.host.advice]
        for outcome in outcomes
    ]
    return f"{_table(rows)}\n"


def _matrix(outcomes: Sequence[Outcome]) -> str:
    columns = [*RULES, *BESIDES]
    rows = [["host", *map(str, RULES), *(name for name, _ in BESIDES.values()), "Autobahn"]]
    rows.append(["---", *("---" for _ in columns), "---:"])
    for outcome in outcomes:
        host = outcome.host
        cells = [cell(outcome, column) for column in columns]
        rows.append([f"{host.name} {version(host.distribution)}", *cells, _autobahn(outcome)])
    letters = "\n".join(
        f"- {letter}, {limit}: the server {contract.LIMITS[limit]}"
        for limit, letter in _LETTERS.items()
    )
    legend = "\n".join(f"{number}. {text}" for number, text in RULES.items())
    besides = "\n".join(f"- {name}: {text}" for name, text in BESIDES.values())
    return (
        f"{_table(rows)}\n\nThe rules:\n\n{legend}\n\nBesides:\n\n{besides}\n\n"
        f"The limits:\n\n{letters}\n"
    )


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
        lines.append("No limit is declared, so the whole contract must hold.\n")
    lines += [f"- **{_LETTERS[limit]}**, {limit}: {why}." for limit, why in host.limits.items()]
    if host.limits:
        lines.append("")
    if host.notes:
        lines.append(f"{host.notes}\n")
    lines += [f"- ✗ `{name}`: {_one_line(text)}" for name, text in outcome.failed.items()]
    if outcome.failed:
        lines.append("")
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:300]


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
