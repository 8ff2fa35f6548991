"""Sock: WebSocket applications written once, hosted by any server.

The specification is importable from here and needs nothing outside the standard library; the server behind `run` and
`serve` is imported when one of them is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import spec
from .spec import *  # noqa: F403 - the specification, all of it, by the sorted __all__ of its room

if TYPE_CHECKING:
    from .server import run as run
    from .server import serve as serve

_LAZY = {"run": "sock.server", "serve": "sock.server"}

__all__ = sorted([*spec.__all__, *_LAZY])

for _name in spec.__all__:
    _value = getattr(spec, _name)
    if isinstance(_value, type):
        # A traceback says sock.Stop, the name that users write, and not where the class happens to live.
        _value.__module__ = __name__
del _name, _value


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("sockpy")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
