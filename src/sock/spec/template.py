"""Templates of paths, such as `/rooms/{room}`: parsed once, then matched with each request.

    in a template   what it matches                                        the value
    --------------  -----------------------------------------------------  ---------
    `{name}`        one or more characters of one segment, so no slash     `str`
    `{name:str}`    the same                                               `str`
    `{name:int}`    digits                                                 `int`
    `{name:float}`  digits, and more of them behind a point                `float`
    `{name:uuid}`   a UUID in its usual form, with or without hyphens      `uuid.UUID`
    `{name:path}`   any number of characters, slashes and none among them  `str`
    anything else   itself

A template is compared with the whole path, decoded. Nothing is added or left out: a slash at the
end counts, and so does an empty segment. A segment has at most one parameter, and a template at
most one `path`; so the time to match is linear in the length of the path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")


def _uuid(text: str) -> Any:
    from uuid import UUID  # here, so that `import sock` stays quick

    return UUID(text)


_CONVERTERS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "str": ("[^/]+", str),
    "int": ("[0-9]+", int),
    "float": (r"[0-9]+(?:\.[0-9]+)?", float),
    "uuid": ("[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}", _uuid),
    "path": (".*", str),
}
"""What a parameter matches, and how its value is made, by the name of its converter."""


@final
class Template:
    """A template of a path.

    Args:
        text: such as "/rooms/{room}".

    Raises:
        ValueError: it could never match, or its parameters are not well-formed.

    >>> Template("/rooms/{room}/{seat:int}").match("/rooms/7/12")
    {'room': '7', 'seat': 12}
    >>> Template("/rooms/{room}").match("/rooms/")
    """

    __slots__ = ("_parameters", "_pattern", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._parameters: list[tuple[str, Callable[[str], Any]]] = []
        pieces = _PARAMETER.split(text)  # literals, with parameters between them
        self._check_literals(pieces[::2])
        pattern = re.escape(pieces[0])
        for parameter, literal in zip(pieces[1::2], pieces[2::2], strict=True):
            pattern += f"({self._add(parameter)}){re.escape(literal)}"
        self._check_parameters(pieces)
        self._pattern = re.compile(pattern, re.DOTALL)

    @property
    def shape(self) -> str:
        """The same for two templates that match the same paths."""
        return self._pattern.pattern

    def match(self, path: str) -> dict[str, Any] | None:
        """Return the values of the parameters in a path; None if it does not match.

        Args:
            path: decoded.
        """
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        try:
            return {
                name: make(value)
                for (name, make), value in zip(self._parameters, found.groups(), strict=True)
            }
        except ValueError:  # a number of more digits than Python reads
            return None

    def _add(self, parameter: str) -> str:
        """Add a parameter; return the pattern of its values."""
        name, colon, kind = parameter.partition(":")
        if not name.isidentifier():
            raise self._error(f"{{{parameter}}} has no name: write {{name}} or {{name:int}}")
        if any(name == known for known, _ in self._parameters):
            raise self._error(f"there are two parameters {name!r}: give them different names")
        if colon and kind not in _CONVERTERS:
            known = ", ".join(_CONVERTERS)
            raise self._error(f"there is no converter {kind!r}: there are {known}")
        pattern, make = _CONVERTERS[kind or "str"]
        self._parameters.append((name, make))
        return pattern

    def _check_literals(self, literals: list[str]) -> None:
        if not self.text.startswith("/"):
            raise self._error("it does not begin with a slash, as every path does")
        for literal in literals:
            if "{" in literal or "}" in literal:
                raise self._error("a brace has no partner: write {name} for a parameter")
            if "?" in literal or "#" in literal:
                raise self._error("it has a query, which is no part of a path: see request.query")
            if encoded := _ENCODED.search(literal):
                raise self._error(f"{encoded[0]!r} is encoded: write the character that it means")

    def _check_parameters(self, pieces: list[str]) -> None:
        if sum(parameter.endswith(":path") for parameter in pieces[1::2]) > 1:
            raise self._error("it has two parameters of the kind path: split one in your code")
        if any("/" not in between for between in pieces[2:-1:2]):
            raise self._error("a segment has two parameters: take one, and split it in your code")

    def _error(self, problem: str) -> ValueError:
        return ValueError(f"the template {self.text!r} is wrong: {problem}")
