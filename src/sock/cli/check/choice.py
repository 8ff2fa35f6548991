"""Which cases are asked for: by sections and by numbers."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

from sock.testing import contract
from sock.testing.wire import CASES, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sock.testing.contract import Case
    from sock.testing.wire import WireCase

STATEMENTS: Final = "statements"

_NUMBERS: Final = {section.name: section.number for section in SECTIONS}


class UnknownName(ValueError):
    """There is no such section or case. The text says so, and names a similar one."""


class Choice(NamedTuple):
    """The cases that are asked for.

    Attributes:
        wire: those of the wire.
        statements: those of the specification's suite.
    """

    wire: tuple[WireCase, ...]
    statements: tuple[Case, ...]


def chosen(sections: Collection[str], numbers: Collection[str]) -> Choice:
    """Return the cases that are asked for; all of them if nothing is named.

    Args:
        sections: their names or numbers, "statements" among them.
        numbers: those of cases of the wire, of statements, or names of cases of statements.

    Raises:
        UnknownName: there is none of that name.
    """
    if not sections and not numbers:
        return Choice(CASES, contract.CASES)
    wanted_sections = {_section(name) for name in sections}
    known = {case.number for case in CASES}
    names = {case.name for case in contract.CASES}
    cited = {number for case in contract.CASES for number in case.statements}
    for number in numbers:
        if number not in known | names | cited:
            raise UnknownName(_unknown("case", number, known | names | cited))
    wire = tuple(
        case
        for case in CASES
        if case.number in numbers or int(case.number.partition(".")[0]) in wanted_sections
    )
    statements = tuple(
        case
        for case in contract.CASES
        if 0 in wanted_sections or case.name in numbers or {*case.statements} & {*numbers}
    )
    return Choice(wire, statements)


def _section(name: str) -> int:
    """Return the number of a section; 0 for the statements."""
    if name == STATEMENTS:
        return 0
    if name in _NUMBERS:
        return _NUMBERS[name]
    if name.isdecimal() and int(name) in _NUMBERS.values():
        return int(name)
    raise UnknownName(_unknown("section", name, [*_NUMBERS, STATEMENTS]))


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    hint = f"Did you mean {near[0]}?" if near else "--list shows all of them."
    return f"there is no {kind} {name!r}. {hint}"
