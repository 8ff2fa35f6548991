"""What is known of a declared type: its members, its name in errors, and which values are of it."""

from __future__ import annotations

import types
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin

NONE: Final = type(None)


def members(kind: Any) -> tuple[Any, ...]:
    """Return the types that a union is made of; a tuple of the type itself if it is none.

    >>> members(int | None), members(str)
    ((<class 'int'>, <class 'NoneType'>), (<class 'str'>,))
    """
    kind = _bare(kind)
    if get_origin(kind) in {Union, types.UnionType}:
        return tuple(member for part in get_args(kind) for member in members(part))
    return (NONE if kind is None else kind,)


def name_of(kind: Any) -> str:
    """Return the name of a type as a reader knows it.

    >>> name_of(int | None), name_of(list[int]), name_of(Any)
    ('int | None', 'list[int]', 'Any')
    """
    return " | ".join(dict.fromkeys(map(_name_of_member, members(kind))))


def instances_of(kind: Any) -> tuple[type, ...]:
    """Return the classes whose instances may be values of a type. Their content is not looked at.

    >>> instances_of(list[int] | float), instances_of(Any)
    ((<class 'list'>, <class 'float'>, <class 'int'>), (<class 'object'>,))
    """
    found = [one for member in members(kind) for one in _classes(member)]
    return tuple(dict.fromkeys(found))


def parts(kind: Any) -> list[Any]:
    """Return all types that a type names: itself, its members, and the arguments of these."""
    found = [kind]
    for part in found:  # grows meanwhile
        found += [one for one in get_args(part) if isinstance(one, type) or get_args(one)]
    return found


def _bare(kind: Any) -> Any:
    """Return what an alias, a `NewType` or an `Annotated` stands for."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        else:
            return kind


def _classes(member: Any) -> tuple[type, ...]:
    origin = get_origin(member) or member
    if origin is Literal:
        values: tuple[object, ...] = get_args(member)
        return tuple(type(value) for value in values)
    if not isinstance(origin, type) or origin in {Any, object}:
        return (object,)
    if hasattr(origin, "__total__"):  # a TypedDict, whose values are plain dicts
        return (dict,)
    return (float, int) if origin is float else (origin,)


def _name_of_member(member: Any) -> str:
    if member is NONE:
        return "None"
    if isinstance(member, type) and not get_args(member):
        return member.__name__
    return str(cast("object", member)).replace("typing.", "")
