"""The declared type of a payload: what a handler takes, and how the payload becomes that.

the annotation            a JSON payload                        a binary payload
------------------------  ------------------------------------  ----------------
none, `Any`, `object`     any value                             `bytes`
`bytes`                   InvalidMessage                        `bytes`
a type of `sock.typed`    a value of the type, InvalidMessage   InvalidMessage
a union of `bytes` and    both                                  both
such a type
"""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any, Final, Union, cast, final

from sock.spec import InvalidMessage
from sock.typed import Codec
from sock.typed.kind import members

if TYPE_CHECKING:
    from collections.abc import Callable

ANYTHING: Final[Any] = Any
"""The type of any JSON value, as a value."""


@final
class PayloadType:
    """Decodes the payloads for one handler.

    Args:
        kind: the annotation.

    Raises:
        TypeError: the type cannot be told from JSON.

    >>> PayloadType(dict[str, int]).decode(b'{"n":1}', binary=False)
    {'n': 1}
    """

    __slots__ = ("_codec", "_takes_binary", "kind")

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        """The annotation."""
        of_json = [one for one in members(kind) if one is not bytes]
        anything = kind in {Any, object}
        self._takes_binary = anything or len(of_json) < len(members(kind))
        self._codec: Codec[Any] | None = None
        if anything:
            self._codec = Codec[Any](ANYTHING)
        elif of_json:
            self._codec = Codec[Any](cast("Any", Union)[tuple(of_json)])

    def decode(self, payload: bytes, *, binary: bool) -> Any:
        """Return the value that the handler takes.

        Raises:
            InvalidMessage: the payload is not of the type.
        """
        if binary:
            if not self._takes_binary:
                raise InvalidMessage("expected JSON, got a binary payload", "$")
            return payload
        if self._codec is None:
            raise InvalidMessage("expected a binary payload, got JSON", "$")
        return self._codec.decode(payload)


def annotation_of(function: Callable[..., Any], place: int) -> Any:
    """Return the annotation of a parameter; `Any` if it has none, or if there is no parameter.

    Args:
        function: of a class.
        place: of the parameter; that of `self` is 0.

    Raises:
        NameError: the annotation is in quotes, and has a name that is not defined.
    """
    parameters = list(inspect.signature(function).parameters.values())
    found: Any = inspect.Parameter.empty
    if place < len(parameters):
        found = parameters[place].annotation
    if found is inspect.Parameter.empty:
        return Any

    class Holder: ...

    Holder.__annotations__ = {"payload": found}
    inner = inspect.unwrap(function)
    names = {**getattr(inner, "__globals__", {}), **_enclosed(inner)}
    return typing.get_type_hints(Holder, names, include_extras=True)["payload"]


def _enclosed(function: Any) -> dict[str, Any]:
    """Return the variables of the functions around this one, as far as it uses them."""
    cells = getattr(function, "__closure__", None) or ()
    found: dict[str, Any] = {}
    for name, cell in zip(getattr(function, "__code__", _NO_CODE).co_freevars, cells, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found


def _without_code() -> None: ...


_NO_CODE = _without_code.__code__
