"""The codec: values of one declared type as JSON, and JSON as values that have been checked.

msgspec does it. Where the type is one of pydantic's, or has one among its arguments, pydantic does,
by the model's own settings. Neither is imported before a codec is made.

    of the data                        what comes of it
    ---------------------------------  --------------------------------------------------------
    no JSON, nothing, NaN              InvalidMessage
    of another type, a missing field   InvalidMessage that names the field
    an unknown field                   left out, unless the type forbids it
    the same key twice                 the last one counts, as in JSON.parse of a browser
    a number out of range              InvalidMessage; integers up to 4,300 digits are in range
    nested too deeply                  InvalidMessage: some hundred levels (Python's limit)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from sock.spec import InvalidMessage

from .kind import instances_of, name_of, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    _Ways = tuple[
        Callable[[str | bytes], Any], Callable[[Any], bytes], Callable[[Any, bytearray], None]
    ]

T = TypeVar("T")

_MAX_WHY: Final = 80
"""Characters of an explanation. It may quote the peer, who may have sent a long word."""

_MAX_PATH: Final = 60
"""Characters of a path. One through a type that contains itself may be long."""


class Codec(Generic[T]):
    """Encodes values of one type as JSON, and decodes JSON into such values.

    Make one and keep it: what the type is made of is looked up here, once.

    Args:
        kind: a type that msgspec knows (structs, dataclasses, TypedDicts, builtins, and unions of
            these), or one of pydantic's, or a union of such.

    Raises:
        ImportError: msgspec is not installed.
        TypeError: the type cannot be told from JSON, such as a union of two structs without tags.
        NameError: the type refers to one that is not defined yet.

    >>> codec = Codec(dict[str, int])
    >>> codec.encode({"a": 1}), codec.decode('{"a":2}')
    (b'{"a":1}', {'a': 2})
    >>> codec.decode('{"a":"2"}')
    Traceback (most recent call last):
    sock.InvalidMessage: $[...]: expected `int`, got `str`
    """

    __slots__ = ("instances", "kind", "name", "raw_decode", "raw_encode", "raw_write")

    raw_decode: Callable[[str | bytes], Any]
    """Decodes, and raises what the library raises; `invalid` explains that."""
    raw_encode: Callable[[Any], bytes]
    """Encodes a value without looking at its type, and raises what the library raises."""
    raw_write: Callable[[Any, bytearray], None]
    """Does the same, in the place of what is in a buffer."""

    def __init__(self, kind: type[T], /) -> None:
        self.kind: Any = kind
        """The type."""
        self.name = name_of(kind)
        """The type's name, for errors."""
        self.instances = instances_of(kind)
        """The classes whose instances are taken for values of the type."""
        self.raw_decode, self.raw_encode, self.raw_write = (
            _by_pydantic(kind) if any(map(_is_pydantic, parts(kind))) else _by_msgspec(kind)
        )

    def decode(self, data: str | bytes, /) -> T:
        """Return the value that JSON stands for.

        Args:
            data: JSON, as text or as UTF-8.

        Raises:
            InvalidMessage: it is no JSON, or not of the type.
        """
        try:
            return cast("T", self.raw_decode(data))
        except (ValueError, RecursionError) as error:
            raise invalid(error) from None

    def encode(self, value: T, /) -> bytes:
        """Return a value as JSON, in UTF-8.

        Only the class of the value is looked at, and not whether each field has its type: type
        checkers do that.

        Raises:
            TypeError: the value is not of the type, or something in it cannot be written as JSON.
        """
        if not isinstance(value, self.instances):
            raise TypeError(f"{type(value).__name__!r} is not {self.name}")
        try:
            return self.raw_encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise TypeError(
                f"{type(value).__name__!r} cannot be written as JSON: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"Codec({self.name})"


def invalid(error: Exception) -> InvalidMessage:
    """Return the error of a message, for an exception that decoding it has raised."""
    if isinstance(error, RecursionError):
        return InvalidMessage("JSON is nested too deeply")
    if isinstance(error, UnicodeError):
        return InvalidMessage("JSON is not UTF-8")
    errors: Any = getattr(error, "errors", None)
    if errors is not None:  # pydantic's
        first = errors(include_url=False, include_context=False, include_input=False)[0]
        malformed = first["type"] == "json_invalid"
        return _explained(first["msg"], "" if malformed else _path(first["loc"]))
    why, _, path = str(error).partition(" - at `")
    malformed = type(error).__name__ != "ValidationError"
    return _explained(why, "" if malformed else path.removesuffix("`") or "$")


def _explained(why: str, path: str) -> InvalidMessage:
    if len(why) > _MAX_WHY:
        why = f"{why[: _MAX_WHY - 1]}…"
    if len(path) > _MAX_PATH:
        path = f"…{path[1 - _MAX_PATH :]}"
    if path and why[1:2].islower():
        why = why[0].lower() + why[1:]
    return InvalidMessage(why, path)


def _path(places: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in places)


def _is_pydantic(kind: Any) -> bool:
    return hasattr(kind, "__pydantic_validator__")


def _by_msgspec(kind: Any) -> _Ways:
    try:
        from msgspec import json
    except ImportError as error:
        raise ImportError("msgspec is not installed: pip install 'sockpy[typed]'") from error
    decoder = json.Decoder(kind, dec_hook=_model_from)
    encoder = json.Encoder(enc_hook=_model_as_json)
    return decoder.decode, encoder.encode, encoder.encode_into


def _model_from(kind: Any, value: Any) -> Any:
    """Return a model of pydantic that is a part of a type of msgspec's."""
    if not _is_pydantic(kind):
        raise NotImplementedError(f"{name_of(kind)} is a type that JSON cannot be decoded into")
    try:
        return kind.__pydantic_validator__.validate_python(value)
    except ValueError as error:
        raise ValueError(str(invalid(error))) from None


def _model_as_json(value: Any) -> Any:
    kind = cast("Any", type(value))
    if not _is_pydantic(kind):
        raise TypeError(f"{kind.__name__!r} is a type that JSON does not have")
    return kind.__pydantic_serializer__.to_python(value, mode="json")


def _by_pydantic(kind: Any) -> _Ways:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
    except PydanticSchemaGenerationError as error:
        raise TypeError(
            f"{name_of(kind)} has models of pydantic and types that pydantic does not know:"
            " make all of them models, or none"
        ) from error

    def encode(value: Any) -> bytes:
        # By its own class: an adapter leaves out what a subclass of a model adds.
        kind = cast("Any", type(value))
        own = getattr(kind, "__pydantic_serializer__", None)
        return cast("bytes", own.to_json(value)) if own is not None else adapter.dump_json(value)

    def write(value: Any, buffer: bytearray) -> None:
        buffer[:] = encode(value)

    return adapter.validate_json, encode, write
