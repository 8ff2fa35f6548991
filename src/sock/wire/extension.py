"""The grammar of `Sec-WebSocket-Extensions`. RFC 6455 §9.1.

    extension-list    = 1#extension
    extension         = extension-token *( ";" extension-param )
    extension-param   = token [ "=" (token | quoted-string) ]

Names and values are case-sensitive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

from sock.spec.errors import HandshakeError

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SPACE: Final = re.compile(r"[ \t]*")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")


@final
@dataclass(frozen=True, slots=True)
class Extension:
    """An extension with its parameters. A parameter may have no value (None), and may be repeated.

    >>> str(
    ...     Extension(
    ...         "permessage-deflate",
    ...         (("client_max_window_bits", None), ("server_max_window_bits", "10")),
    ...     )
    ... )
    'permessage-deflate; client_max_window_bits; server_max_window_bits=10'
    """

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        pairs = (name if value is None else f"{name}={value}" for name, value in self.parameters)
        return "; ".join((self.name, *pairs))


def parse(fields: Iterable[str]) -> list[Extension]:
    """Return the extensions in all fields of this name, in order.

    Raises:
        HandshakeError: a field is malformed, or no field has an extension in it (400).

    >>> parse(['foo; a="1"', "bar"])
    [Extension(name='foo', parameters=(('a', '1'),)), Extension(name='bar', parameters=())]

    RFC 6455 §9.1, RFC 9110 §5.6.
    """
    given = tuple(fields)
    found = [extension for field in given for extension in _parsed(field)]
    if given and not found:
        raise HandshakeError(400, "Sec-WebSocket-Extensions is empty (RFC 6455 §9.1)")
    return found


@lru_cache(maxsize=64)
def _parsed(field: str) -> list[Extension]:
    # Most clients are browsers, and all of one kind offer the same.
    return _Reader(field).extensions()


class _Reader:
    """Reads one field from left to right."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._position = 0

    def extensions(self) -> list[Extension]:
        found: list[Extension] = []
        while True:
            self._skip_space()
            # RFC 9110 §5.6.1.2: "A recipient MUST parse and ignore a reasonable number of empty
            # list elements".
            if not self._at(",") and not self._at_end():
                found.append(self._extension())
            if self._at_end():
                break
            if not self._take(","):
                raise self._malformed()
        return found

    def _extension(self) -> Extension:
        name = self._token()
        parameters: list[tuple[str, str | None]] = []
        while self._take(";"):
            parameter = self._token()
            parameters.append((parameter, self._value() if self._take("=") else None))
        return Extension(name, tuple(parameters))

    def _value(self) -> str:
        quoted = _QUOTED.match(self._field, self._position)
        if quoted is None:
            return self._token()
        self._position = quoted.end()
        self._skip_space()
        value = _ESCAPE.sub(r"\1", quoted[1])
        # RFC 6455 §9.1: "the value after quoted-string unescaping MUST conform to the 'token'
        # ABNF."
        if not _TOKEN.fullmatch(value):
            raise self._malformed()
        return value

    def _token(self) -> str:
        token = _TOKEN.match(self._field, self._position)
        if token is None:
            raise self._malformed()
        self._position = token.end()
        self._skip_space()
        return token[0]

    def _take(self, character: str) -> bool:
        if not self._at(character):
            return False
        self._position += 1
        self._skip_space()
        return True

    def _at(self, character: str) -> bool:
        return self._field.startswith(character, self._position)

    def _at_end(self) -> bool:
        return self._position == len(self._field)

    def _skip_space(self) -> None:
        space = _SPACE.match(self._field, self._position)
        assert space is not None, "no space at all is a match too"
        self._position = space.end()

    def _malformed(self) -> HandshakeError:
        return HandshakeError(
            400, f"malformed Sec-WebSocket-Extensions: {self._field!r} (RFC 6455 §9.1)"
        )
