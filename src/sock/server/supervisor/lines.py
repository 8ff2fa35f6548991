"""Objects as lines of JSON: what the supervisor, its workers and `sock ctl` say to each other."""

from __future__ import annotations

import json
from typing import Any, Final, cast, final

MAX_LINE: Final = 4 * 1024 * 1024
"""Bytes of one line at most, so that no sender can fill our memory."""


class BadLine(ValueError):
    """The bytes are no line of JSON with an object in it."""


def to_line(content: dict[str, Any]) -> bytes:
    r"""Return an object as a line.

    >>> to_line({"say": "ready"})
    b'{"say":"ready"}\n'
    """
    return json.dumps(content, separators=(",", ":"), default=str).encode() + b"\n"


@final
class Lines:
    r"""Cuts the bytes of a stream into the objects that they are.

    >>> lines = Lines()
    >>> lines.feed(b'{"say":"rea')
    []
    >>> lines.feed(b'dy"}\n{}\n')
    [{'say': 'ready'}, {}]
    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the objects that are complete now.

        Raises:
            BadLine: a line is too long, is not JSON, or is not an object.
        """
        *complete, rest = data.split(b"\n")
        found: list[dict[str, Any]] = []
        for line in complete:
            self._add(line)
            whole = b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
            found.append(_object(whole))
        self._add(rest)
        return found

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_line:
            raise BadLine(f"a line has at most {self._max_line} bytes")
        if piece:
            self._pieces.append(piece)


def _object(line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLine("a line is one object of JSON") from error
    if not isinstance(content, dict):
        raise BadLine("a line is one object of JSON")
    return cast("dict[str, Any]", content)
