"""What became of one case, whether of the wire or of the statements: what a report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from sock.testing import contract
from sock.testing.wire import SECTIONS, Level, Verdict

if TYPE_CHECKING:
    from sock.testing.wire import Outcome

WIRE: Final = "wire"
ECHO: Final = "wire, an echo in the same host"
STATEMENTS: Final = "statements"

_SECTIONS: Final = {str(section.number): section for section in SECTIONS}
_VERDICTS: Final = {
    contract.Outcome.PASSED: Verdict.HELD,
    contract.Outcome.FAILED: Verdict.FELL,
    contract.Outcome.ADVISED: Verdict.REMARK,
    contract.Outcome.SKIPPED: Verdict.SKIPPED,
}


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one case.

    Args:
        part: which application was asked: `WIRE`, `ECHO` or `STATEMENTS`.
        section: the heading under which it is counted.
        number: of the case: "4.26", or the name of a case of the statements.
        title: what the server does, as a sentence.
        level: "MUST" or "SHOULD".
        cites: the paragraphs of the RFC, or the statements of the specification.
        verdict: what became of it.
        expected: what should happen; "" where the case says all in `seen`.
        seen: what the server did, or why the case was left out.
        why: what happens to users otherwise.
        seconds: how long it took.
    """

    part: str
    section: str
    number: str
    title: str
    level: str
    cites: str
    verdict: Verdict
    expected: str = ""
    seen: str = ""
    why: str = ""
    seconds: float = 0.0


def of_wire(outcome: Outcome, part: str) -> Finding:
    """Return what became of a case of the wire."""
    case = outcome.case
    section = _SECTIONS[case.number.partition(".")[0]]
    # A MUST that held may leave a SHOULD undone: the code of the Close, such as 1002.
    level = Level.SHOULD if outcome.verdict is Verdict.REMARK else case.level
    return Finding(
        part,
        f"{section.number:>2} {section.title}",
        case.number,
        case.title,
        level.value,
        case.rfc,
        outcome.verdict,
        outcome.expected,
        outcome.seen,
        case.why,
        outcome.seconds,
    )


def of_statements(verdict: contract.Verdict) -> Finding:
    """Return what became of a case of the contract."""
    case = verdict.case
    words = case.name.rpartition("/")[2].replace("_", " ")
    title = f"{case.name} is right." if "/" in case.name else f"{words[:1].upper()}{words[1:]}."
    chapter = case.chapters[0] if case.chapters else 0
    return Finding(
        STATEMENTS,
        f"S{chapter}",
        case.name,
        title,
        "MUST" if case.required else "SHOULD",
        " ".join(f"[{number}]" for number in case.statements),
        _VERDICTS[verdict.outcome],
        "",
        verdict.text,
        "An application that relies on the specification behaves otherwise on this host.",
    )
