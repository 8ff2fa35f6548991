"""The results as a page: what holds on which host, and the reasons where something does not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from autobahn.cases import SECTIONS
from sock.testing import contract
from sock.testing.wire import Verdict

from .run import AUTOBAHN, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .run import Outcome

_HEADING: Final = re.compile(r"^## (\d+)\. (.+?)(?: \(.*\))?$", re.MULTILINE)
_SPECIFICATION: Final = ROOT / "docs" / "reference" / "specification.md"
CHAPTERS: Final = {
    int(number): title for number, title in _HEADING.findall(_SPECIFICATION.read_text())
}
"""The sections of the specification."""

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
        "a WSGI application: Flask, Django on gunicorn, Pyramid, Bottle",
        (
            "gunicorn, worker class gthread, or sync behind a proxy, with `sock.adapters.flask`,"
            " `.django` or `.wsgi`"
        ),
        "the whole contract, and no thread for a connection",
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
    "Take one of the first four rows, unless you have a reason for another server."
    " If you have one, the next table says in a sentence what each server is good"
    " for, and the rest of the page says exactly what it leaves out.\n"
)


def statements_of(chapter: int) -> dict[str, list[str]]:
    """Return the statements of a section that have cases, with the names of these."""
    found: dict[str, list[str]] = {}
    for case in contract.CASES:
        for number in case.statements:
            if number.startswith(f"S{chapter}."):
                found.setdefault(number, []).append(case.name)
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


def cell(outcome: Outcome, chapter: int) -> str:
    """Return how many statements of a section hold on a host: ✓ for all, ✗ if a case fails."""
    statements = statements_of(chapter)
    if any(name in outcome.failed for names in statements.values() for name in names):
        return "✗"
    if not any(name in outcome.declared for names in statements.values() for name in names):
        return "✓"
    held = sum(not _left_out_wholly(outcome, names) for names in statements.values())
    return f"{held}/{len(statements)}"


def _left_out_wholly(outcome: Outcome, names: Iterable[str]) -> bool:
    return all(name in outcome.declared for name in names)


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
        "The columns are the sections of [the specification](specification.md), and"
        " [the suite](suite.md) has the cases of each statement. ✓: every case of the section"
        " passes. 9/13: of its 13 statements 9 have cases that pass; no case of the others is left,"
        " as the host excludes them by declared limits. ✗: a case fails. Limits and failures are"
        " explained below. The last column has the cases of `sock check` that fell;"
        " [the wire of servers](wire.md) has them one by one, beside servers without Sock."
        " HTTP/2 and HTTP/3 have none: these cases are bytes of HTTP/1.1, and the gateway that"
        " carries the other cases would judge them in place of the server.\n"
    )
    where = (
        "The first seven are our own server and the servers that let go of their"
        " sockets: they keep the whole contract of a connection. The others keep their wire, and"
        " declare their limits ([S0.3] of the specification, appendix B).\n"
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
    columns = [chapter for chapter in CHAPTERS if statements_of(chapter)]
    rows = [["host", *map(str, columns), "Autobahn", "wire"]]
    rows.append(["---", *("---" for _ in columns), "---:", "---:"])
    for outcome in outcomes:
        host = outcome.host
        cells = [cell(outcome, column) for column in columns]
        name = f"{host.name} {version(host.distribution)}"
        rows.append([name, *cells, _autobahn(outcome), _wire(outcome)])
    legend = "\n".join(f"- {chapter}: {CHAPTERS[chapter]}" for chapter in columns)
    return f"{_table(rows)}\n\nThe sections:\n\n{legend}\n"


def _autobahn(outcome: Outcome) -> str:
    report = outcome.autobahn
    if report is None:
        return "–"
    total = sum(SECTIONS[section][1] for section in AUTOBAHN)
    return f"{sum(report.passed.values())} of {total}"


def _wire(outcome: Outcome) -> str:
    """Return how many cases of the wire fell, all of them MUSTs."""
    if outcome.wire is None:
        return "–"
    fell = outcome.wire.count(Verdict.FELL)
    return f"✗ {fell}" if fell else "✓"


def _limits(outcome: Outcome) -> str:
    host = outcome.host
    lines = [f"### {host.name}\n"]
    if not host.limits:
        lines.append("No limit is declared, so the whole contract must hold.\n")
    lines += [
        f"- **{limit}**: {why}.{_left_out(outcome, limit)}" for limit, why in host.limits.items()
    ]
    if host.limits:
        lines.append("")
    if host.notes:
        lines.append(f"{host.notes}\n")
    lines += [f"- ✗ `{name}`: {_one_line(text)}" for name, text in outcome.failed.items()]
    lines += [
        f"- `{name}`, which is recommended only, is left out: {_one_line(text)}"
        for name, text in outcome.advised.items()
    ]
    if outcome.failed or outcome.advised:
        lines.append("")
    return "\n".join(lines)


def _left_out(outcome: Outcome, limit: str) -> str:
    """Name the statements of which no case is left, because of this limit among others."""
    numbers = [
        number
        for chapter in CHAPTERS
        for number, names in statements_of(chapter).items()
        if _left_out_wholly(outcome, names)
        and any(limit in outcome.declared[name] for name in names)
    ]
    return f" No case is left of {', '.join(numbers)}." if numbers else ""


def _one_line(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:300]


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
