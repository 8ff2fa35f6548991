"""Coroutines begun at once: one that does not suspend costs no task and no turn of the loop.

    the coroutine        what is done
    -------------------  -----------------------------------------------------------------------
    returns, or raises   that is the outcome; the task goes on to the next coroutine of this turn
    suspends             the task is its own from now on; the next coroutine gets another one
    leaves traces        it cancels, names or marks its task, or somebody may still hold it: the
                         task stays with it, done with its result; the next one gets another one

A first step needs a task all the same: `asyncio.timeout`, task groups and other libraries ask for
the current one. So there is one for a turn of the loop, an ordinary task whose own first step comes
in the loop's next turn. Until then it is lent to one coroutine after the other; then it goes on
with the one that has suspended, or it is done. A coroutine that has suspended sees no difference to
a task of its own. Its steps run in the scope of its connection (`scope`).

That nobody else holds a task is told by its references and weak references: more of them than it
began with may be anybody's, such as a handler that keeps `asyncio.current_task()`, or a library
that keeps what it knows in a dictionary with tasks for its keys.

The compiled core has a twin of this (`core/loop/eager.pyx`).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from sys import getrefcount
from typing import TYPE_CHECKING, Any, Protocol, final
from weakref import getweakrefcount

if TYPE_CHECKING:
    from collections.abc import Generator

    from .scope import Scope

# Documented, for those who run tasks themselves: "Extending", in the manual of asyncio.
_enter_task = asyncio.tasks._enter_task  # noqa: SLF001
_leave_task = asyncio.tasks._leave_task  # noqa: SLF001


class ScopeOwner(Protocol):
    """Whose a coroutine is."""

    def own_scope(self) -> Scope:
        """Return the scope that the coroutine's steps run in."""
        ...


@final
class SuspendedCoroutine:
    """What `Eager.begin` returns for a coroutine that waits for something.

    Args:
        task: goes on with it.
    """

    __slots__ = ("task",)

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for its outcome."""
        return self.task.__await__()


@final
class Eager:
    """Begins the coroutines of one event loop.

    Args:
        loop: which is running.
    """

    __slots__ = ("_lent", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lent: LentCoroutine | None = None  # in this turn, and not in use

    def begin(self, coroutine: Coroutine[Any, Any, Any], owner: ScopeOwner) -> Any:
        """Run a coroutine up to where it waits.

        Args:
            coroutine: not begun.
            owner: whose it is, and within whose scope this is called.

        Returns:
            Its result, or a `SuspendedCoroutine`.

        Raises:
            BaseException: what the coroutine has raised.
        """
        loop = self._loop
        lent = self._lent
        if lent is None or not lent.is_reusable():
            if loop.get_task_factory() is not None:  # who makes tasks in his own way has a reason
                steps = Steps(coroutine, owner.own_scope())
                return SuspendedCoroutine(loop.create_task(steps))
            lent = self._lent = LentCoroutine(self, loop)
        task, outer = lent.task, None
        assert task is not None, "it is forgotten before its task is"
        try:
            _enter_task(loop, task)
        except RuntimeError:  # a drain, say, is a task itself
            outer = asyncio.current_task(loop)
            assert outer is not None, "what else could there be"
            _leave_task(loop, outer)
            _enter_task(loop, task)
        try:
            waits_for = coroutine.send(None)
        except StopIteration as done:
            result = done.value
        except BaseException:
            self._lent = None
            raise
        else:
            self._lent = None
            lent.continue_with(coroutine, waits_for, owner.own_scope())
            return SuspendedCoroutine(task)
        finally:
            _leave_task(loop, task)
            if outer is not None:
                _enter_task(loop, outer)
        del task
        if not lent.is_reusable():
            self._lent = None
            if lent.cancelling():
                raise asyncio.CancelledError
            lent.result = result
        return result

    def forget(self, lent: LentCoroutine) -> None:
        """Lend it no more."""
        if self._lent is lent:
            self._lent = None


class Steps(Coroutine[Any, Any, Any]):
    """A coroutine each of whose steps runs in a scope.

    Args:
        coroutine: whose steps they are.
        scope: to run in.
        begun: whether the coroutine has taken a step already.
    """

    __slots__ = ("_begun", "_coroutine", "scope")

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], scope: Scope, *, begun: bool = False
    ) -> None:
        self._coroutine = coroutine
        self._begun = begun
        self.scope = scope

    def __getattr__(self, name: str) -> Any:
        """Return what a debugger asks of a coroutine: its name, its code, its frame."""
        return getattr(self._coroutine, name)

    # What a task asks of its coroutine. PEP 492.

    def send(self, value: Any, /) -> Any:
        """Take a step."""
        if not self._begun:
            self._begun = True
            if self.scope.entered_by is not None:
                # A task that is begun at once runs in a copy of the scope, which is in use: what
                # the first step sets would be lost. So it comes in the loop's next turn.
                return None
        return self.scope.run(self._coroutine.send, value)

    def throw(self, error: Any, *more: Any) -> Any:
        """Take a step in which something is raised, such as a cancellation."""
        return self.scope.run(self._coroutine.throw, error, *more)

    def close(self) -> None:
        """End it, as what is never resumed is ended."""
        self.scope.run(self._coroutine.close)

    def __await__(self) -> Generator[Any, Any, Any]:
        """Be a coroutine by all rules; only its task runs it."""
        raise RuntimeError("the coroutine of a connection is run by its task")


@final
class LentCoroutine(Coroutine[Any, Any, Any]):
    """The coroutine of a task that is lent: at first nothing, then one that has suspended.

    Args:
        eager: who lends it.
        loop: of the task.
    """

    __slots__ = (
        "_blocking",
        "_eager",
        "_references",
        "_steps",
        "_waits_for",
        "_weak_references",
        "result",
        "task",
        "touched",
    )

    def __init__(self, eager: Eager, loop: asyncio.AbstractEventLoop) -> None:
        self._eager = eager
        self._steps: Steps | None = None
        self._waits_for: Any = None
        self._blocking = False  # whether that is a future, awaited as futures are
        self.touched = False
        """Whether somebody has left something at the task that the next one would inherit."""
        self.result: Any = None
        """What the task comes to when it stays with a coroutine that did not suspend."""
        # In a context of its own: nothing of it, but for the waking up, runs in that.
        self.task: LentTask | None = LentTask(self, loop=loop, context=contextvars.Context())
        self._references = getrefcount(self.task)
        self._weak_references = getweakrefcount(self.task)

    def continue_with(
        self, coroutine: Coroutine[Any, Any, Any], waits_for: Any, scope: Scope
    ) -> None:
        """Go on with a coroutine, which waits for something that it has yielded."""
        self._steps = Steps(coroutine, scope, begun=True)
        self._waits_for = waits_for
        if getattr(waits_for, "_asyncio_future_blocking", None):
            # As a task does at once: another coroutine may wait for the same future in this turn.
            waits_for._asyncio_future_blocking = False  # noqa: SLF001 - the protocol of futures
            self._blocking = True
        self.task = None  # it knows this: the two would wait for the garbage collector

    def is_reusable(self) -> bool:
        """Tell whether it may be lent again: nothing was left at it, and nobody else knows it."""
        return (
            not self.touched
            and getrefcount(self.task) == self._references
            and getweakrefcount(self.task) == self._weak_references
        )

    def cancelling(self) -> bool:
        """Tell whether the coroutine has cancelled its own task."""
        return self.task is not None and self.task.cancelling() > 0

    def context(self) -> contextvars.Context:
        """Return the context that the coroutine runs in."""
        return contextvars.copy_context() if self._steps is None else self._steps.scope.context

    def expire(self) -> None:
        """Be lent no more: the turn is over."""
        self._eager.forget(self)
        self.task = None

    # What a task asks of its coroutine. PEP 492.

    def send(self, value: Any, /) -> Any:
        """Take a step."""
        if self._steps is None:
            self.expire()
            raise StopIteration(self.result)
        if self._waits_for is not None:
            return self._to_wait_for()
        return self._steps.send(value)

    def throw(self, error: Any, *more: Any) -> Any:
        """Take a step in which something is raised, such as a cancellation."""
        if self._steps is None:
            self.expire()
            raise error
        if self._blocking and isinstance(error, asyncio.CancelledError):
            # As a task that is cancelled does: it cancels what it waits for, and hears of that.
            self._blocking = self._waits_for.cancel(msg=error.args[0] if error.args else None)
            if self._blocking:
                return self._to_wait_for()
        self._waits_for = None
        return self._steps.throw(error, *more)

    def _to_wait_for(self) -> Any:
        """Return to the task, once, what it is to wait for."""
        waits_for, self._waits_for = self._waits_for, None
        if self._blocking:
            self._blocking = False
            waits_for._asyncio_future_blocking = True  # noqa: SLF001 - the protocol of futures
        return waits_for

    def close(self) -> None:
        """End it, as what is never resumed is ended."""
        if self._steps is not None:
            self._steps.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """Be a coroutine by all rules; only its task runs it."""
        raise RuntimeError("the coroutine of a connection is run by its task")

    def __getattr__(self, name: str) -> Any:
        """Return what a debugger asks of a coroutine: its name, its code, its frame."""
        return getattr(self._steps, name)


@final
class LentTask(asyncio.Task[Any]):
    """A task that tells when somebody leaves something at it."""

    _lent: LentCoroutine

    def __init__(self, lent: LentCoroutine, **how: Any) -> None:
        super().__setattr__("_lent", lent)
        super().__init__(lent, **how)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, which is for the coroutine that has set it."""
        self._lent.touched = True
        super().__setattr__(name, value)

    def set_name(self, value: object) -> None:
        """Name it, for the coroutine that runs in it."""
        self._lent.touched = True
        super().set_name(value)

    def get_context(self) -> contextvars.Context:
        """Return the context that its coroutine runs in."""
        return self._lent.context()

    def add_done_callback(self, callback: Any, **how: Any) -> None:
        """Call back when it is done."""
        self._lent.touched = True
        super().add_done_callback(callback, **how)

    def cancel(self, msg: Any = None) -> bool:
        """Ask it to end."""
        self._lent.touched = True
        return super().cancel(msg)
