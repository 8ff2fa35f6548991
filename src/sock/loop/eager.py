"""Begin coroutines at once: one that does not suspend costs no task and no turn of the loop.

    the coroutine        what is done -------------------
    ----------------------------------------------------------------------- returns or raises    the
    next coroutine of this turn of the loop gets the same task suspends             the task belongs
    to it from now on; the next coroutine gets another one changes its task     it cancels, names or
    marks the task, or somebody may still hold it: the task
                         stays with it and ends with its result; the next one gets another one

The first step of a coroutine needs a task too, because `asyncio.timeout`, task groups and other
libraries ask for the current one. So there is one task for a turn of the loop, an ordinary one
whose own first step comes in the loop's next turn. Until then it is lent to one coroutine after the
other. Then it continues the coroutine that has suspended, or it is done. A coroutine that has
suspended sees no difference to a task of its own. Its steps run in the scope of its connection
(`scope`).

The references and weak references to a task tell whether somebody else holds it. If there are more
of them than at first, then a handler may have kept `asyncio.current_task()`, or a library may have
a dictionary with tasks for its keys.

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

# The manual of asyncio documents both, in "Extending", for code that runs tasks itself.
_enter_task = asyncio.tasks._enter_task  # noqa: SLF001
_leave_task = asyncio.tasks._leave_task  # noqa: SLF001


class ScopeOwner(Protocol):
    """An object that has coroutines, and a scope for their steps."""

    def own_scope(self) -> Scope:
        """Return the scope in which the steps of the coroutine run."""
        ...


@final
class SuspendedCoroutine:
    """The result of `Eager.begin` for a coroutine that waits for something.

    Args:
        task: continues the coroutine.
    """

    __slots__ = ("task",)

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for the result of the coroutine."""
        return self.task.__await__()


@final
class Eager:
    """Begins the coroutines of one event loop.

    Args:
        loop: the event loop, which is running.
    """

    __slots__ = ("_lent", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lent: LentCoroutine | None = None  # has the task of this turn, while nobody uses it

    def begin(self, coroutine: Coroutine[Any, Any, Any], owner: ScopeOwner) -> Any:
        """Run a coroutine until it waits for something.

        Args:
            coroutine: has not begun.
            owner: has the scope within which this is called.

        Returns:
            The result of the coroutine, or a `SuspendedCoroutine`.

        Raises:
            BaseException: the exception of the coroutine.
        """
        loop = self._loop
        lent = self._lent
        if lent is None or not lent.is_reusable():
            if (
                loop.get_task_factory() is not None
            ):  # a program with a task factory gets its own tasks
                steps = Steps(coroutine, owner.own_scope())
                return SuspendedCoroutine(loop.create_task(steps))
            lent = self._lent = LentCoroutine(self, loop)
        task, outer = lent.task, None
        assert task is not None, "a coroutine without its task is never lent"
        try:
            _enter_task(loop, task)
        except RuntimeError:  # this runs in another task, such as a drain
            outer = asyncio.current_task(loop)
            assert outer is not None, "only a current task raises this"
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
        """Lend the task of this coroutine no more."""
        if self._lent is lent:
            self._lent = None


class Steps(Coroutine[Any, Any, Any]):
    """A coroutine each of whose steps runs in a scope.

    Args:
        coroutine: takes the steps.
        scope: the scope for each step.
        begun: whether the coroutine has taken its first step already.
    """

    __slots__ = ("_begun", "_coroutine", "scope")

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], scope: Scope, *, begun: bool = False
    ) -> None:
        self._coroutine = coroutine
        self._begun = begun
        self.scope = scope

    def __getattr__(self, name: str) -> Any:
        """Return an attribute for a debugger: the name, the code or the frame of the coroutine."""
        return getattr(self._coroutine, name)

    # A task calls these methods of its coroutine. PEP 492.

    def send(self, value: Any, /) -> Any:
        """Take a step."""
        if not self._begun:
            self._begun = True
            if self.scope.entered_by is not None:
                # An eager task of Python's begins within the scope, in a copy of its context. What
                # its first step sets would be lost, so that step comes in the loop's next turn.
                return None
        return self.scope.run(self._coroutine.send, value)

    def throw(self, error: Any, *more: Any) -> Any:
        """Take a step that begins with an exception, such as a cancellation."""
        return self.scope.run(self._coroutine.throw, error, *more)

    def close(self) -> None:
        """End a coroutine that is never resumed."""
        self.scope.run(self._coroutine.close)

    def __await__(self) -> Generator[Any, Any, Any]:
        """Refuse: only the task of the coroutine runs it."""
        raise RuntimeError("only its task may run the coroutine of a connection")


@final
class LentCoroutine(Coroutine[Any, Any, Any]):
    """The coroutine of a task that is lent. It is empty at first, and continues another one later.

    Args:
        eager: lends it.
        loop: the event loop of the task.
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
        self._blocking = False  # whether `_waits_for` is a future that was awaited
        self.touched = False
        """Whether the task was changed, so that the next coroutine would see the change."""
        self.result: Any = None
        """The result of the task if it stays with a coroutine that did not suspend."""
        # It has an empty context, in which nothing runs but the waking up of the task.
        self.task: LentTask | None = LentTask(self, loop=loop, context=contextvars.Context())
        self._references = getrefcount(self.task)
        self._weak_references = getweakrefcount(self.task)

    def continue_with(
        self, coroutine: Coroutine[Any, Any, Any], waits_for: Any, scope: Scope
    ) -> None:
        """Continue a coroutine that has yielded the object for which it waits."""
        self._steps = Steps(coroutine, scope, begun=True)
        self._waits_for = waits_for
        if getattr(waits_for, "_asyncio_future_blocking", None):
            # A task does this at once: another coroutine may wait for the same future in this turn.
            waits_for._asyncio_future_blocking = False  # noqa: SLF001 - the protocol of futures
            self._blocking = True
        self.task = None  # the task refers to this object, and both shall be freed at once

    def is_reusable(self) -> bool:
        """Tell whether the task may be lent again: it is unchanged, and nobody else holds it."""
        return (
            not self.touched
            and getrefcount(self.task) == self._references
            and getweakrefcount(self.task) == self._weak_references
        )

    def cancelling(self) -> bool:
        """Tell whether the coroutine has cancelled its own task."""
        return self.task is not None and self.task.cancelling() > 0

    def context(self) -> contextvars.Context:
        """Return the context in which the coroutine runs."""
        return contextvars.copy_context() if self._steps is None else self._steps.scope.context

    def expire(self) -> None:
        """Note that the turn is over: the task is lent no more."""
        self._eager.forget(self)
        self.task = None

    # A task calls these methods of its coroutine. PEP 492.

    def send(self, value: Any, /) -> Any:
        """Take a step."""
        if self._steps is None:
            self.expire()
            raise StopIteration(self.result)
        if self._waits_for is not None:
            return self._to_wait_for()
        return self._steps.send(value)

    def throw(self, error: Any, *more: Any) -> Any:
        """Take a step that begins with an exception, such as a cancellation."""
        if self._steps is None:
            self.expire()
            raise error
        if self._blocking and isinstance(error, asyncio.CancelledError):
            # A task that is cancelled cancels the future for which it waits, and hears of that.
            self._blocking = self._waits_for.cancel(msg=error.args[0] if error.args else None)
            if self._blocking:
                return self._to_wait_for()
        self._waits_for = None
        return self._steps.throw(error, *more)

    def _to_wait_for(self) -> Any:
        """Return the object for which the task has to wait, once."""
        waits_for, self._waits_for = self._waits_for, None
        if self._blocking:
            self._blocking = False
            waits_for._asyncio_future_blocking = True  # noqa: SLF001 - the protocol of futures
        return waits_for

    def close(self) -> None:
        """End a coroutine that is never resumed."""
        if self._steps is not None:
            self._steps.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """Refuse: only the task of the coroutine runs it."""
        raise RuntimeError("only its task may run the coroutine of a connection")

    def __getattr__(self, name: str) -> Any:
        """Return an attribute for a debugger: the name, the code or the frame of the coroutine."""
        return getattr(self._steps, name)


@final
class LentTask(asyncio.Task[Any]):
    """A task that notes when somebody changes it."""

    _lent: LentCoroutine

    def __init__(self, lent: LentCoroutine, **how: Any) -> None:
        super().__setattr__("_lent", lent)
        super().__init__(lent, **how)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, which the next coroutine must not see."""
        self._lent.touched = True
        super().__setattr__(name, value)

    def set_name(self, value: object) -> None:
        """Name the task, for the coroutine that runs in it."""
        self._lent.touched = True
        super().set_name(value)

    def get_context(self) -> contextvars.Context:
        """Return the context in which its coroutine runs."""
        return self._lent.context()

    def add_done_callback(self, callback: Any, **how: Any) -> None:
        """Call a function when the task is done."""
        self._lent.touched = True
        super().add_done_callback(callback, **how)

    def cancel(self, msg: Any = None) -> bool:
        """Ask the task to end."""
        self._lent.touched = True
        return super().cancel(msg)
