"""What a mutant is: our own server, broken in one statement; and the tables that they are in."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE.parents[2] / "src" / "sock"


class NotApplicable(Exception):
    """The text that a mutant replaces is not in its file, or more than once."""


@dataclass(frozen=True)
class Mutant:
    """One replacement in our server.

    Args:
        statement: that it breaks, such as "S7.5".
        file: in which it does so, below `src/sock`.
        does: what the broken server does, as the end of a sentence that begins with "it".
        old: the text that is replaced; it must be in the file exactly once.
        new: the text that takes its place.
    """

    statement: str
    file: str
    does: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.statement}: it {self.does}"

    def applied(self) -> str:
        """Return the text of the file with the replacement in it."""
        text = (SOURCE / self.file).read_text()
        if (count := text.count(self.old)) != 1:
            raise NotApplicable(f"{self}: its text is {count} times in {self.file}, not once")
        return text.replace(self.old, self.new)


@cache
def mutants() -> tuple[Mutant, ...]:
    """Return all mutants, in the order of the statements that they break."""
    found = [Mutant(**row) for table in _tables() for row in table.get("mutant", ())]
    return tuple(sorted(found, key=lambda mutant: place(mutant.statement)))


@cache
def unbreakable() -> dict[str, str]:
    """Return why there is no mutant for a statement that a case proves."""
    found: dict[str, str] = {}
    for table in _tables():
        found |= table.get("unbreakable", {})
    return dict(sorted(found.items(), key=lambda item: place(item[0])))


def place(number: str) -> tuple[int, ...]:
    """Return what the numbers of statements are sorted by."""
    return tuple(map(int, number[1:].split(".")))


def _tables() -> list[dict]:
    return [tomllib.loads(path.read_text()) for path in sorted(HERE.glob("*.toml"))]
