"""The callbacks of one handler: looked up once, when its connection is made."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sock.spec import BinarySock, Sock, TextSock

from .mailbox import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Callback: TypeAlias = Callable[[Any], Any]
    Watch: TypeAlias = Callable[[Callback, str], Callback]


class Callbacks:
    """The part of a life cycle that knows which callbacks the handler has.

    What a handler binds to their names later changes nothing, whichever way a message takes to its
    callback. An attribute of the handler itself counts like one of its class. Where there is
    neither, nothing is kept: a bound method for each connection would be memory for nothing.

    Args:
        handler: whose callbacks these are.
        watch: given a callback and its name, returns it watched; for debug mode.
    """

    __slots__ = (
        "_handler",
        "_on_control",
        "_on_info",
        "_on_terminate",
        "_watch",
        "on_binary",
        "on_text",
        "pushes_infos",
    )

    def __init__(self, handler: Sock[Any, Any], watch: Watch | None) -> None:
        kind = type(handler)
        self._handler = handler
        self._watch = watch
        # Without one of its own, a message is the peer's mistake, and no crash of the handler's.
        callback = self.own("handle_in")
        self.on_text: Callback | None = None if issubclass(kind, BinarySock) else callback
        """The callback for a text message; None where the handler takes none."""
        self.on_binary: Callback | None = None if issubclass(kind, TextSock) else callback
        """The callback for a binary message; None where the handler takes none."""
        self._on_control = self.own("handle_control")
        self._on_info = self.own("handle_info")
        self._on_terminate = self.own("terminate")
        self.pushes_infos = self._on_info is None and watch is None
        """Whether an info that is a message is pushed, and no callback of the handler's asked."""

    def own(self, name: str) -> Callback | None:
        """Look up a callback, watched in debug mode; None where the handler has none of its own."""
        callback = getattr(self._handler, name)
        if getattr(callback, "__func__", None) is getattr(Sock, name):
            return None
        return callback if self._watch is None else self._watch(callback, self.place(name))

    def waiting(self, kind: Kind, value: Any) -> Callback:
        """Return the callback for what has waited in the mailbox."""
        callback = self._on_info if kind is Kind.INFO else self._on_control
        if kind is Kind.MESSAGE:
            callback = self.on_text if isinstance(value, str) else self.on_binary
        # Only infos come here without a callback of their own: the class itself pushes them.
        return callback or partial(Sock.handle_info, self._handler)

    def place(self, callback: str) -> str:
        """Name a callback, for messages."""
        return f"{type(self._handler).__qualname__}.{callback}"

    def let_go(self) -> None:
        """Let go of the handler: it gets no more callbacks."""
        self.on_text = self.on_binary = None
        self._on_control = self._on_info = self._on_terminate = None
        self._handler = cast("Sock[Any, Any]", None)
