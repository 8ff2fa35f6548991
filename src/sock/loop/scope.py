"""The context of a connection: where the context variables live that its callbacks see and set.

    the connection                              its scope
    ------------------------------------------  ------------------------------------------------
    is accepted, and no variable was set there  shared with others that have left it as it was
    is accepted where a variable was set        its own: a copy of the context at the acceptance
    sets a variable in a plain callback         its own from the end of that turn on
    has a coroutine that waits                  its own from there on

All code of an application that runs for a connection runs in its scope, whoever has caused it: its
callbacks, coroutines, generators, streams, `terminate`. It is entered once for each turn. A shared
scope that a turn has left changed is given to the connection of that turn, and the others get a
new one: so a connection that never touches a variable costs no context of its own.

The compiled core has a twin of this (`core/loop/scope.pyx`).
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any, TypeVar, final

from .wakeable import Wakeable

if TYPE_CHECKING:
    from collections.abc import Callable

ResultT = TypeVar("ResultT")


def has_changed(context: contextvars.Context, before: contextvars.Context) -> bool:
    """Tell whether a variable was set. Equal is not enough: an empty list may be filled later."""
    size = len(context)
    if size != len(before):
        return True
    if size == 0:  # as mostly; a generator costs a tenth of a message (bench, sock-pure echo-1)
        return False
    return any(
        before.get(variable, has_changed) is not value for variable, value in context.items()
    )


@final
class Scope:
    """A context, and whether it is shared.

    Args:
        context: to run in; from now on it is the scope's.
        shared: whether connections share it as long as they leave it as it is.
    """

    __slots__ = ("context", "entered_by", "original")

    def __init__(self, context: contextvars.Context, *, shared: bool = False) -> None:
        self.context = context
        self.original = context.copy() if shared else None
        """The context as it was, of a shared scope."""
        self.entered_by: object = None
        """Who is running in it at this moment."""

    def new_context(self) -> contextvars.Context:
        """Return a new context, with what a shared scope begins with."""
        assert self.original is not None, "asked of a shared scope only"
        return self.original.copy()

    def for_current_context(self) -> Scope:
        """Return the scope for what is accepted now: this shared one, or one with what was set."""
        assert self.original is not None, "asked of a shared scope only"
        context = contextvars.copy_context()
        return Scope(context) if has_changed(context, self.original) else self

    def run(self, act: Callable[..., ResultT], *arguments: Any) -> ResultT:
        """Run a step of a coroutine in it."""
        if self.entered_by is not None:
            return act(*arguments)
        self.entered_by = self
        try:
            return self.context.run(act, *arguments)
        finally:
            self.entered_by = None


class Scoped(Wakeable):
    """Somebody whose turns, deadlines and drain run in a scope.

    Args:
        scope: at first.
    """

    __slots__ = ("scope",)

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def turn(self) -> None:
        """Do what has come up since."""
        self.run_in_scope(self.go_on)

    def tick(self, now: float, /) -> None:
        """Look at the deadlines: some time may have come."""
        self.run_in_scope(self.look, now)

    def shutdown(self, timeout: float | None, /) -> None:
        """Drain: finish what is under way within `timeout` seconds, then say 1012."""
        self.run_in_scope(self.finish_up, timeout)

    # The same, from within the scope.

    def go_on(self) -> None:
        """Do what has come up since the last turn."""
        raise NotImplementedError

    def look(self, now: float) -> None:
        """Look at the deadlines."""
        raise NotImplementedError

    def finish_up(self, timeout: float | None) -> None:
        """Drain."""
        raise NotImplementedError

    def run_in_scope(self, act: Callable[..., ResultT], *arguments: Any) -> ResultT:
        """Do something in the scope; from within the scope, it is just done."""
        scope = self.scope
        if scope.entered_by is not None:
            if scope.entered_by is self or scope.original is None:
                return act(*arguments)
            # A callback of another connection runs the event loop.
            scope = self.scope = Scope(scope.new_context())
        scope.entered_by = self
        try:
            return scope.context.run(act, *arguments)
        finally:
            scope = self.scope  # another one, if this has become its own meanwhile
            scope.entered_by = None
            if scope.original is not None and has_changed(scope.context, scope.original):
                self.own_scope()

    def own_scope(self) -> Scope:
        """Return the scope, which is shared with nobody from now on."""
        scope = self.scope
        if scope.original is None:
            return scope
        if scope.entered_by is not None and scope.entered_by is not self:
            # The context is another connection's, whose callback asks for this.
            self.scope = Scope(scope.new_context())
            return self.scope
        self.scope = Scope(scope.context)
        self.scope.entered_by = scope.entered_by
        scope.context = scope.new_context()
        scope.entered_by = None
        return self.scope
