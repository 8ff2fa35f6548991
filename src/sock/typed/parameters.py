"""The types in the brackets of a generic class: `class Chat(JsonSock[Info, In, Out])`."""

from __future__ import annotations

import sys
import typing
from typing import Any, get_args, get_origin


def parameters_of(kind: type, generic: type) -> tuple[Any, ...]:
    """Return the types that a class gives to the parameters of a generic class above it.

    A parameter that nothing is given for is `Any`. Names in quotes are looked up in the module of
    the class that has written them.

    Args:
        kind: the class.
        generic: the generic class; it, too, has parameters by the names of its own.

    Raises:
        NameError: a name in quotes is not defined, or not yet.
    """
    given = _given(kind, generic)
    wanted: tuple[Any, ...] = vars(generic)["__parameters__"]
    return tuple(
        Any if isinstance(one, typing.TypeVar) else one
        for one in (*given, *wanted[len(given) :])[: len(wanted)]
    )


def _given(kind: type, generic: type) -> tuple[Any, ...]:
    """Return the types, in which parameters of `kind` itself may still stand."""
    if kind is generic:
        own: tuple[Any, ...] = vars(generic)["__parameters__"]
        return own
    for base in vars(kind).get("__orig_bases__", kind.__bases__):
        origin = get_origin(base) or base
        if not (isinstance(origin, type) and issubclass(origin, generic)):
            continue
        given = tuple(_evaluated(one, kind) for one in get_args(base))
        own = getattr(origin, "__parameters__", ())
        values = dict(zip(own, given, strict=False))
        return tuple(_filled(one, values) for one in _given(origin, generic))
    return ()


def _evaluated(argument: Any, kind: type) -> Any:
    """Return an argument in which no name is in quotes any more."""

    class Holder: ...

    Holder.__annotations__ = {"argument": argument}
    module = sys.modules.get(kind.__module__)  # None for code that `exec` runs
    names = {**({} if module is None else vars(module)), kind.__name__: kind}
    return typing.get_type_hints(Holder, names, include_extras=True)["argument"]


def _filled(argument: Any, values: dict[Any, Any]) -> Any:
    """Return an argument with values in the place of its parameters."""
    if isinstance(argument, typing.TypeVar):
        return values.get(argument, argument)
    inside: tuple[Any, ...] = getattr(argument, "__parameters__", ())
    if isinstance(argument, type) or not inside:
        return argument
    return argument[tuple(values.get(one, Any) for one in inside)]
