"""Coroutines begun at once: one that does not suspend costs no task and no turn of the loop.

    the coroutine        what is done
    -------------------  -----------------------------------------------------------------------
    returns, or raises   that is the outcome; the task goes on to the next coroutine of this turn
    suspends             the task is its own from now on; the next coroutine gets another one
    leaves traces        a context variable set, a callback added: the next one gets another task

A first step needs a task all the same: `asyncio.timeout`, task groups and other libraries ask for
the current one. So there is one for a turn of the loop, an ordinary task whose own first step comes
in the loop's next turn. Until then it is lent to one coroutine after the other; then it goes on
with the one that has suspended, or it is done. Whoever has suspended sees no difference to a task
of its own: same task, same context, from the first line to the last.

The compiled core has a twin of this (`core/runtime/eager.pyx`).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Generator

# Documented, for those who run tasks themselves: "Extending", in the manual of asyncio.
_enter_task = asyncio.tasks._enter_task  # noqa: SLF001
_leave_task = asyncio.tasks._leave_task  # noqa: SLF001


@final
class Suspended:
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


def changed(context: contextvars.Context, before: contextvars.Context) -> bool:
    """Tell whether a variable was set. Equal is not enough: an empty list may be filled later."""
    if len(context) != len(before):
        return True
    return any(before.get(variable, changed) is not value for variable, value in context.items())


@final
class Eager:
    """Begins the coroutines of one event loop.

    Args:
        loop: which is running.
    """

    __slots__ = ("_lent", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lent: Lent | None = None  # in this turn, and not in use

    def begin(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine up to where it waits.

        Returns:
            Its result, or a `Suspended`.

        Raises:
            BaseException: what the coroutine has raised.
        """
        loop = self._loop
        lent = self._lent
        if lent is None:
            if loop.get_task_factory() is not None:  # who makes tasks in his own way has a reason
                return Suspended(loop.create_task(coroutine))
            lent = self._lent = Lent(self, loop)
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
            waits_for = lent.context.run(coroutine.send, None)
        except StopIteration as done:
            result = done.value
        except BaseException:
            self._lent = None
            raise
        else:
            self._lent = None
            lent.keep(coroutine, waits_for)
            return Suspended(task)
        finally:
            _leave_task(loop, task)
            if outer is not None:
                _enter_task(loop, outer)
        if lent.touched or changed(lent.context, lent.pristine):
            self._lent = None
            if task.cancelling():
                raise asyncio.CancelledError
        return result

    def forget(self, lent: Lent) -> None:
        """Lend it no more."""
        if self._lent is lent:
            self._lent = None


@final
class Lent(Coroutine[Any, Any, Any]):
    """The coroutine of a task that is lent: at first nothing, then one that has suspended.

    Args:
        eager: who lends it.
        loop: of the task.
    """

    __slots__ = (
        "_coroutine",
        "_eager",
        "_waits_for",
        "context",
        "pristine",
        "task",
        "touched",
    )

    def __init__(self, eager: Eager, loop: asyncio.AbstractEventLoop) -> None:
        self._eager = eager
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._waits_for: Any = None
        self.touched = False
        """Whether somebody has left something at the task that the next one would inherit."""
        self.context = contextvars.copy_context()
        self.pristine = self.context.copy()
        """The context before anybody ran in it."""
        self.task: LentTask | None = LentTask(self, loop=loop, context=self.context)

    def keep(self, coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        """Go on with a coroutine, which waits for something that it has yielded."""
        self._coroutine = coroutine
        self._waits_for = waits_for
        self.task = None  # it knows this: the two would wait for the garbage collector

    def expire(self) -> None:
        """Be lent no more: the turn is over."""
        self._eager.forget(self)
        self.task = None

    # What a task asks of its coroutine. PEP 492.

    def send(self, value: Any, /) -> Any:
        """Take a step."""
        coroutine = self._coroutine
        if coroutine is None:
            self.expire()
            raise StopIteration
        if self._waits_for is not None:
            waits_for, self._waits_for = self._waits_for, None
            return waits_for
        return coroutine.send(value)

    def throw(self, error: Any, *more: Any) -> Any:
        """Take a step in which something is raised, such as a cancellation."""
        coroutine = self._coroutine
        if coroutine is None:
            self.expire()
            raise error
        if self._waits_for is not None:
            # The task does not know that it was to wait for this.
            self._waits_for._asyncio_future_blocking = False  # noqa: SLF001 - the protocol of futures
            self._waits_for = None
        return coroutine.throw(error, *more)

    def close(self) -> None:
        """End it, as what is never resumed is ended."""
        if self._coroutine is not None:
            self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """Be a coroutine by all rules; only its task runs it."""
        raise RuntimeError("a coroutine that is lent is run by its task")


@final
class LentTask(asyncio.Task[Any]):
    """A task that tells when somebody leaves something at it."""

    def __init__(self, lent: Lent, **how: Any) -> None:
        self._lent = lent
        super().__init__(lent, **how)

    def add_done_callback(self, callback: Any, **how: Any) -> None:
        """Call back when it is done."""
        self._lent.touched = True
        super().add_done_callback(callback, **how)

    def cancel(self, msg: Any = None) -> bool:
        """Ask it to end."""
        self._lent.touched = True
        return super().cancel(msg)
