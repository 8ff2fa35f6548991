"""The `contextvars` context of a connection, with the variables that its callbacks set and read.

    the connection                              its scope
    ------------------------------------------  ------------------------------------------------
    is accepted, and no variable was set there  shared with others that have not changed it
    is accepted where a variable was set        its own: a copy of the context at the acceptance
    sets a variable in a plain callback         its own from the end of that turn on
    has a coroutine that waits                  its own from then on

All code of an application that runs for a connection runs in its scope: callbacks, coroutines,
generators, streams and `terminate`. The scope is entered once for each turn. If a turn has changed
the context of a shared scope, the connection of that turn keeps this context, and the others get a
new one. So a connection that never sets a variable needs no context of its own.

The compiled core has a twin of this (`core/loop/scope.pyx`).
"""

from __future__ import annotations

import contextvars
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, TypeVar, final

from .slow_callback import SLOW_NANOSECONDS, report_slow_turn
from .wakeable import Wakeable

if TYPE_CHECKING:
    from collections.abc import Callable

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")


def has_changed(context: contextvars.Context, before: contextvars.Context) -> bool:
    """Tell whether a variable was set, also to an equal value: a list may be filled later."""
    size = len(context)
    if size != len(before):
        return True
    if size == 0:  # the usual case; the generator costs a tenth of a message (bench, pure echo-1)
        return False
    return any(
        before.get(variable, has_changed) is not value for variable, value in context.items()
    )


@final
class Scope:
    """A context, which connections may share.

    Args:
        context: the context to run in. It belongs to the scope from now on.
        shared: whether connections share it as long as they do not change it.
    """

    __slots__ = ("context", "entered_by", "original", "size")

    def __init__(self, context: contextvars.Context, *, shared: bool = False) -> None:
        self.context = context
        self.original = context.copy() if shared else None
        """A copy of the context of a shared scope as it was at first; None if it is not shared."""
        self.size = len(context)
        """How many variables were set at first."""
        self.entered_by: object = None
        """The object that runs in it at this moment; None while nothing does."""

    def new_context(self) -> contextvars.Context:
        """Return a new context with the variables that a shared scope has at first."""
        assert self.original is not None, "this is for shared scopes only"
        return self.original.copy()

    def for_current_context(self) -> Scope:
        """Return the scope for a connection that is accepted now: this one, or one of its own."""
        assert self.original is not None, "this is for shared scopes only"
        context = contextvars.copy_context()
        return Scope(context) if has_changed(context, self.original) else self

    def run(self, act: Callable[..., ResultT], *arguments: Any) -> ResultT:
        """Take a step of a coroutine in this scope, and tell of it if it takes too long."""
        if self.entered_by is not None:
            return act(*arguments)
        self.entered_by = self
        begun = monotonic_ns()
        try:
            return self.context.run(act, *arguments)
        finally:
            self.entered_by = None
            took = monotonic_ns() - begun
            if took >= SLOW_NANOSECONDS:
                report_slow_turn(took)


class Scoped(Wakeable):
    """An object whose turns, deadlines and drain run in a scope.

    Args:
        scope: its first scope.
    """

    __slots__ = ("scope",)

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def turn(self) -> None:
        """Do the work that waits."""
        self.run_in_scope(self.go_on)

    def tick(self, now: float, /) -> None:
        """Check which deadlines are due."""
        self.run_in_scope(self.look, now)

    def shutdown(self, timeout: float | None, /) -> None:
        """Drain: let callbacks finish within `timeout` seconds, then close with 1012."""
        self.run_in_scope(self.finish_up, timeout)

    # The same three, called within the scope.

    def go_on(self) -> None:
        """Do the work that waits, within the scope."""
        raise NotImplementedError

    def look(self, now: float) -> None:
        """Check which deadlines are due, within the scope."""
        raise NotImplementedError

    def finish_up(self, timeout: float | None) -> None:
        """Drain, within the scope."""
        raise NotImplementedError

    def run_in_scope(self, act: Callable[..., ResultT], *arguments: Any) -> ResultT:
        """Call a function in the scope; if this is within the scope already, just call it."""
        return self.call_in_scope(lambda given: act(*given), arguments)

    def call_in_scope(self, act: Callable[[ArgumentT], ResultT], argument: ArgumentT, /) -> ResultT:
        """Do the same as `run_in_scope` for a function of one argument, in less time."""
        scope = self.scope
        if scope.entered_by is not None:
            if scope.entered_by is self or scope.original is None:
                return act(argument)
            # A callback of another connection is running the event loop.
            scope = self.scope = Scope(scope.new_context())
        scope.entered_by = self
        try:
            return scope.context.run(act, argument)
        finally:
            scope = self.scope  # it may be another one by now, see `own_scope`
            scope.entered_by = None
            # Mostly there are no variables. To ask for that saves calls (bench, sock-pure echo-1).
            if scope.original is not None and (scope.size or len(scope.context)):
                self._own_if_changed()

    def _own_if_changed(self) -> None:
        """Take over a shared scope if it has been changed; the others get a new one."""
        scope = self.scope
        if scope.original is not None and has_changed(scope.context, scope.original):
            self.own_scope()

    def own_scope(self) -> Scope:
        """Return the scope of this object, which it shares with no other one from now on."""
        scope = self.scope
        if scope.original is None:
            return scope
        if scope.entered_by is not None and scope.entered_by is not self:
            # The context belongs to another connection, whose callback runs at this moment.
            self.scope = Scope(scope.new_context())
            return self.scope
        self.scope = Scope(scope.context)
        self.scope.entered_by = scope.entered_by
        scope.context = scope.new_context()
        scope.entered_by = None
        return self.scope
