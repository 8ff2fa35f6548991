"""The callbacks of one handler, which are looked up once, when its connection is made."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sock.spec import Sock
from sock.spec.message import Whole
from sock.spec.own_callback import own_callback
from sock.spec.wrapper import (
    Wrapper,
    inner_class,
    pass_message_from_outside,
    pass_stop_from_outside,
    short_way,
)

from .mailbox import INFO, MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import Stop

    from .mailbox import Kind

    Callback: TypeAlias = Callable[[Any], Any]
    Wrap: TypeAlias = Callable[[Callback, str], Callback]

_OUTSIDE: Final = ("Ref.stop", "spawn")
"""The places of a Stop that does not come from a callback or a stream of the handler."""


class Callbacks:
    """The part of a life cycle that knows which callbacks the handler has.

    A function that the handler assigns to the name of a callback later is never called. A callback
    may be an attribute of the handler object as well as of its class. Nothing is kept for a
    callback that the class does not have, because a bound method for each connection would waste
    memory.

    Args:
        handler: the object with the callbacks.
        wrap: gets each callback with its name, and returns the function that is called in its
            place; for debug mode.
    """

    __slots__ = (
        "_handler",
        "_on_control",
        "_on_info",
        "_on_terminate",
        "_wrap",
        "on_binary",
        "on_text",
        "pushes_infos",
        "pushes_whole",
    )

    def __init__(self, handler: Sock[Any, Any, Any], wrap: Wrap | None) -> None:
        self._find_callbacks(handler, wrap)

    def _find_callbacks(self, handler: Sock[Any, Any, Any], wrap: Wrap | None) -> None:
        """Do the constructor's work. `Ending` calls this: compiled `super().__init__` is slow."""
        self._handler: Any = handler  # None when it gets no more calls
        self._wrap = wrap
        self.pushes_whole = not isinstance(handler, Wrapper)
        """Whether a `Whole` is pushed as it is: no wrapper has to see it."""
        # Without this callback, a message is a mistake of the peer and not of the handler.
        callback = self.own_callback("handle_in")
        accepted = handler.accepts
        self.on_text: Callback | None = callback if str in accepted else None
        """The callback for a text message; None if the handler takes no text."""
        self.on_binary: Callback | None = callback if bytes in accepted else None
        """The callback for a binary message; None if the handler takes no binary."""
        self._on_control = self.own_callback("handle_control")
        self._on_info = self.own_callback("handle_info")
        self._on_terminate = self.own_callback("terminate")
        self.pushes_infos = self._on_info is None and wrap is None
        """Whether an info that is a message is pushed without calling the handler."""

    def own_callback(self, name: str) -> Callback | None:
        """Look up a callback, and wrap it in debug mode; None if the handler does not define it."""
        callback = own_callback(self._handler, name)
        if name == "handle_in" and not self.pushes_whole and callback is not None:
            callback = short_way(callback)
        if callback is None or self._wrap is None:
            return callback
        return self._wrap(callback, self.qualified_name(name))

    def callback_for(self, kind: Kind, value: Any) -> Callback:
        """Return the callback for an entry of the mailbox."""
        if kind is INFO and type(value) is Whole:
            return self._push_whole
        callback = self._on_info if kind is INFO else self._on_control
        if kind is MESSAGE:
            callback = self.on_text if isinstance(value, str) else self.on_binary
        # Only an info may have no callback here: the method of the base class pushes it.
        return callback or partial(Sock.handle_info, self._handler)

    def _push_whole(self, whole: Whole) -> Any:
        """Return the message for the peer, which no callback sees."""
        return pass_message_from_outside(self._handler, whole.message)

    def qualified_name(self, callback: str) -> str:
        """Return the name of a callback with that of its class, for error texts and events."""
        return f"{self.handler_name()}.{callback}"

    def handler_name(self) -> str:
        """Return the name of the handler's class, behind all wrappers; "" when it was let go."""
        return "" if self._handler is None else inner_class(self._handler).__qualname__

    def seen_by_wrappers(self, stop: Stop, place: str) -> Stop:
        """Return a Stop as the wrappers let it pass; one of a callback has passed already."""
        if place not in _OUTSIDE or self._handler is None:
            return stop
        return pass_stop_from_outside(self._handler, stop, spawned=place == "spawn")

    def release_handler(self) -> None:
        """Let go of the handler, which gets no more calls."""
        self.on_text = self.on_binary = None
        self._on_control = self._on_info = self._on_terminate = None
        self._handler = None
