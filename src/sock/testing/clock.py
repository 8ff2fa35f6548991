"""An event loop whose time is virtual: it stands still until a test lets it pass, then it flies.

    what is there to do          while time stands   while it passes
    ---------------------------  ------------------  -----------------------------------------
    a callback is ready          run it              run it
    a thread is at work          wait for it         wait for it, really; the clock stands still
    only timers                  that is idle        jump to the earliest, up to the end
    nothing                      that is idle        jump to the end

So "run until idle" is exact: nothing sleeps, and nothing that could happen now is left undone.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from .transaction import opened, sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from concurrent.futures import Executor

ResultT = TypeVar("ResultT")

_NANOSECONDS: Final = 1_000_000_000


@final
class Clock(asyncio.SelectorEventLoop):
    """An event loop with virtual time, which begins at 0. Used from one thread, to be closed.

    Args:
        patience: real seconds after which a thread that has not ended, or callbacks that never come
            to an end, fail the test.

    >>> clock = Clock()
    >>> clock.call_later(60, print, "a minute later") and None
    >>> clock.advance(59)
    >>> clock.advance(1)
    a minute later
    >>> clock.close()
    """

    def __init__(self, *, patience: float = 5.0) -> None:
        self._now = 0  # in nanoseconds: whole numbers add up exactly
        self._end = 0
        self._patience = patience
        self._deadline = 0.0
        self._work: set[asyncio.Future[Any]] = set()
        self._failures: list[BaseException] = []
        self._lent: list[Any] = []  # connections of the test to its database
        super().__init__(_Selector(self._next))

    def time(self) -> float:
        """Return the virtual time, in seconds."""
        return self._now / _NANOSECONDS

    def run_until_idle(self) -> None:
        """Do all that can be done without time passing.

        Raises:
            TimeoutError: it does not come to an end.
            BaseException: one that a callback of the loop itself has raised.
        """
        self._drive(self._now)

    def advance(self, seconds: float) -> None:
        """Let time pass: every timer that is due fires, at its own time and in order.

        Raises:
            ValueError: `seconds` is negative.
            TimeoutError: it does not come to an end.
            BaseException: one that a callback of the loop itself has raised.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: advance({seconds})")
        self._drive(self._now)
        self._drive(self._now + round(seconds * _NANOSECONDS))

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a coroutine to its end, without time passing, and return its result.

        Raises:
            RuntimeError: it waits for what does not happen by itself.
        """
        task = self.create_task(coroutine)
        self.run_until_idle()
        if not task.done():
            task.cancel()
            self.run_until_idle()
            name = getattr(coroutine, "__qualname__", "the coroutine")
            raise RuntimeError(f"{name} waits for time to pass, or for what nobody does")
        return task.result()

    def close(self) -> None:
        """Cancel what is left, and close the loop."""
        if not self.is_closed():
            for task in asyncio.all_tasks(self):
                task.cancel()
            try:
                self.run_until_idle()
                self.run(self.shutdown_asyncgens())
            finally:
                super().close()

    # What asyncio calls.

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., ResultT], *args: Any
    ) -> asyncio.Future[ResultT]:
        """Run a function in a thread; until it ends, the loop is not idle."""
        future = super().run_in_executor(executor, sharing(self._lent, executor, func), *args)
        self._work.add(future)
        future.add_done_callback(self._work.discard)
        return future

    def call_exception_handler(self, context: Mapping[str, Any]) -> None:
        """Keep an exception that a callback raised, for the test; log the rest as usual."""
        error = context.get("exception")
        if isinstance(error, BaseException) and "handle" in context:
            self._failures.append(error)
        else:
            super().call_exception_handler(dict(context))

    def _drive(self, end: int) -> None:
        _check_no_other_loop()
        self._end = end
        self._lent = opened()
        self._deadline = time.monotonic() + self._patience
        self.run_forever()
        if self._failures:
            raise self._failures.pop(0)

    def _next(self, timeout: float | None) -> float:
        """Return for how long to wait really, now that no I/O is ready; move the clock.

        Args:
            timeout: seconds until the next timer; 0 when a callback is ready, None without timers.
        """
        left = self._deadline - time.monotonic()
        if left <= 0 and not self._failures:
            what = "a thread has not ended" if self._work else "there was always more to do"
            hint = "" if self._work else ": a loop that never waits, or too much for one advance()?"
            raise TimeoutError(f"not idle: {what} for {self._patience:g} s{hint}")
        if timeout is not None and timeout <= 0:
            return 0
        if self._work:
            return left
        due = None if timeout is None else self._now + round(timeout * _NANOSECONDS)
        if due is not None and due <= self._end:
            self._now = due
        else:
            self._now = self._end
            self.stop()
        return 0


@final
class _Selector(selectors.BaseSelector):
    """The system's selector, which waits only when the clock says so."""

    def __init__(self, wait: Callable[[float | None], float]) -> None:
        self._wait = wait
        self._system = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # First without waiting: what a thread has said is ready, though no callback is.
        return self._system.select(0) or self._system.select(self._wait(timeout))

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._system.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._system.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._system.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._system.get_map()

    def close(self) -> None:
        self._system.close()


class _Shared(threading.local):
    """The clock of this thread's sessions, and how many of them are open."""

    clock: Clock | None = None
    sessions = 0


_shared: Final = _Shared()


def borrow() -> Clock:
    """Return the clock of this thread's open sessions, a new one for the first."""
    if _shared.clock is None:
        _shared.clock = Clock()
    _shared.sessions += 1
    return _shared.clock


def shared() -> bool:
    """Tell whether another session than one that asks is open."""
    return _shared.sessions > 1


def give_back() -> None:
    """Let go of the clock; the last session's is closed."""
    _shared.sessions -= 1
    if _shared.sessions == 0 and _shared.clock is not None:
        clock, _shared.clock = _shared.clock, None
        clock.close()


def _check_no_other_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("virtual time has an event loop of its own: write the test as a plain `def`")
