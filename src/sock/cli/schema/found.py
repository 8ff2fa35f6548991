"""Finds what an application says and hears: its JsonSocks, and the channels of its endpoints.

the application is                          the JsonSocks are
------------------------------------------  --------------------------------------------------
a JsonSock                                  itself
Routes, mount, around, Application          those of the applications in it, each at its path
a functools.partial                         those of the function in it
a function whose result is annotated        those in the annotation
a function whose annotation names none      those that its code names
an Endpoint                                 none; its channels are found, by their topics
anything else with a method `__call__`      as for that function
"""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from typing import TYPE_CHECKING, Any, Final, cast

from sock import JsonSock
from sock.spec.application import Composed
from sock.typed.json_sock import coding_of
from sock.typed.kind import NONE, members, parts

from .channels import conversations_of_endpoint, is_endpoint
from .conversation import Conversation, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARAMETER: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SAID: Final = {
    "int": "A whole number.",
    "float": "A number.",
    "uuid": "A UUID.",
    "path": "Any characters, slashes among them.",
}


def conversations_of(app: Any) -> list[Conversation]:
    """Return what an application and its peers say to each other, at each address.

    Raises:
        Exception: as for `sock.typed.Codec`, for a type of a JsonSock.
    """
    found: list[Conversation] = []
    for one, path in dict.fromkeys(_handlers(app, "")):
        found += (
            [_of_json_sock(one, path)] if _is_json_sock(one) else conversations_of_endpoint(one)
        )
    return found


def _handlers(app: Any, path: str) -> Iterator[tuple[Any, str]]:
    """Return each JsonSock with its path, and each Endpoint."""
    if isinstance(app, functools.partial):
        yield from _handlers(cast("functools.partial[Any]", app).func, path)
    elif isinstance(app, Composed):
        for template, inner in app.parts():
            yield from _handlers(inner, path + template)
    elif _is_json_sock(app):
        yield app, path or "/"
    elif is_endpoint(app):
        yield app, ""
    elif not isinstance(app, type):
        for one in _named(app if inspect.isroutine(app) else type(app).__call__):
            yield one, path or "/"


def _is_json_sock(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, JsonSock) and value is not JsonSock


def _named(function: Any) -> list[Any]:
    """Return the JsonSocks in the annotation of a function's result, else those in its code."""
    function = inspect.unwrap(getattr(function, "__func__", function))
    try:
        result = typing.get_type_hints(function).get("return")
    except (NameError, TypeError):  # a name for type checkers only, or no function of Python's
        result = None
    found = [one for one in parts(result) if _is_json_sock(one)]
    code = getattr(function, "__code__", None)
    if found or code is None:
        return found
    seen = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    return [seen[name] for name in _names(code) if _is_json_sock(seen.get(name))]


def _names(code: types.CodeType) -> list[str]:
    names = [*code.co_names, *code.co_freevars]
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):  # a function or a lambda within
            names += _names(inner)
    return names


def _of_json_sock(kind: type[JsonSock[Any, Any, Any]], path: str) -> Conversation:
    coding = coding_of(kind)
    messages = [
        *_messages(coding.incoming.kind, is_sent=False),
        *_messages(coding.outgoing.kind, is_sent=True),
    ]
    parameters = {name: _SAID.get(shape, "") for name, shape in _PARAMETER.findall(path)}
    own = vars(kind).get("__doc__")
    address = _PARAMETER.sub(r"{\1}", path)
    return Conversation(kind.__name__, address, parameters, inspect.cleandoc(own or ""), messages)


def _messages(kind: Any, *, is_sent: bool) -> list[Message]:
    """Return the messages of a type, which are several if it is a union."""
    found: list[Message] = []
    for member in members(kind):
        if member is NONE and is_sent:  # a callback that returns None sends nothing
            continue
        has_name = isinstance(member, type) and member.__module__ not in {"builtins", "typing"}
        if has_name and not typing.get_args(member):
            name = member.__name__
        else:
            name = f"{'sent' if is_sent else 'received'} {len(found) + 1}"
        found.append(Message(name, member, is_sent))
    return found
