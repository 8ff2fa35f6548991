"""Which callbacks a handler has of its own. Compiled: it is asked five times a connection."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any, Final

from .handler import Sock

if TYPE_CHECKING:
    from collections.abc import Callable

# The methods of the base class, which stand for callbacks that a handler does not have.
_OF_BASE_CLASS: Final = {
    name: getattr(Sock, name)
    for name in ("init", "handle_in", "handle_control", "handle_info", "terminate")
}


def own_callback(handler: Sock[Any, Any, Any], name: str) -> Callable[[Any], Any] | None:
    """Return a callback of a handler; None if it leaves that one to the class `Sock`.

    For hosts. It may be an attribute of the handler as well as of its class. A wrapper has the
    callbacks that it needs to be called for, as [S20.10] says. A handler whose messages are values
    gets and gives JSON through the function that is returned.

    Args:
        handler: of a connection.
        name: "init", "handle_in", "handle_control", "handle_info" or "terminate".
    """
    callback: Any = getattr(handler, name)
    # The first test is for speed (bench, sock connect): most callbacks are methods.
    if type(callback) is MethodType and callback.__func__ is _OF_BASE_CLASS[name]:
        return None
    if (coded := handler.coded) is not None:
        return coded(callback, name)
    found: Callable[[Any], Any] = callback
    return found
