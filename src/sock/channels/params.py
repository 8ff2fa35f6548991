"""The parameters of a connection: a query with nested names, and the version of the protocol.

    in the query        what it becomes
    ------------------  ------------------------------------------------------
    a=1                 {"a": "1"}
    a[b]=1              {"a": {"b": "1"}}
    a[]=1&a[]=2         {"a": ["1", "2"]}
    a=1&a=2             {"a": "2"}: the last one counts, also where they differ in kind
    an empty piece      nothing

The clients of Phoenix write nested objects so, and its server reads them so. Every leaf is a `str`.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias, cast
from urllib.parse import parse_qsl

Params: TypeAlias = dict[str, Any]
"""The parameters of a connection: each is a `str`, a dict of such, or a list."""

MAX_DEPTH: Final = 16
"""Levels of a nested name. What is deeper is one name with brackets in it."""

_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_VERSION: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(\+[0-9A-Za-z.-]+)?", re.ASCII
)


def decode_params(query: str) -> Params:
    """Return the parameters that a query has.

    >>> decode_params("id=u1&nested%5Ba%5D=1&vsn=2.0.0&")
    {'id': 'u1', 'nested': {'a': '1'}, 'vsn': '2.0.0'}
    """
    params: Params = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        match = _NAME.fullmatch(name)
        keys = [] if match is None else match[2][1:-1].split("][")
        if match is None or len(keys) > MAX_DEPTH:
            params[name] = value
        else:
            _put(params, [match[1], *keys], value)
    return params


def version_of(params: Params) -> tuple[int, int, int] | None:
    """Return the version of the protocol that a client has named; None if it is no full version.

    A client that names none speaks 1.0.0.

    >>> version_of({"vsn": "2.0.0"}), version_of({}), version_of({"vsn": "2.0"})
    ((2, 0, 0), (1, 0, 0), None)
    """
    named = params.get("vsn", "1.0.0")
    match = _VERSION.fullmatch(named) if isinstance(named, str) and len(named) < 64 else None
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


def _put(params: Params, keys: list[str], value: str) -> None:
    inside: Any = params
    for place, key in enumerate(keys[:-1]):
        wanted: Any = [] if keys[place + 1] == "" else {}
        if isinstance(inside, list):
            cast("list[Any]", inside).append(wanted)
            inside = wanted
            continue
        known = inside.get(key)
        if type(known) is not type(wanted):
            known = inside[key] = wanted
        inside = known
    if isinstance(inside, list):
        cast("list[Any]", inside).append(value)
    else:
        inside[keys[-1]] = value
