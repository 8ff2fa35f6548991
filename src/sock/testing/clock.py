"""An event loop with virtual time, which stands still until a test lets it pass.

    the loop has               while time stands still  while time passes
    -------------------------  -----------------------  ---------------------------------------
    a callback that is ready   it runs                  it runs
    a thread that works        the loop waits for it    the loop waits for it, in real time
    only timers                the loop is idle         time jumps to the next one, or the end
    nothing                    the loop is idle         time jumps to the end

Time never passes while there is something to do. So when a test goes on, everything that could
happen until then has happened, and nothing has slept.
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
    """An event loop with virtual time, which begins at 0. One thread uses it, and closes it.

    Args:
        patience: real seconds after which the test fails, when a thread does not end or the loop
            always has another callback to run.

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
        self._lent: list[Any] = []  # the connections that the test has to its database
        super().__init__(_Selector(self._next))

    def time(self) -> float:
        """Return the virtual time, in seconds."""
        return self._now / _NANOSECONDS

    def run_until_idle(self) -> None:
        """Run everything that can run without time passing.

        Raises:
            TimeoutError: there is always more to run.
            BaseException: a callback of the loop has raised it.
        """
        self._drive(self._now)

    def advance(self, seconds: float) -> None:
        """Let time pass. Every timer that becomes due fires, at its own time and in order.

        Raises:
            ValueError: `seconds` is negative.
            TimeoutError: there is always more to run.
            BaseException: a callback of the loop has raised it.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: advance({seconds})")
        self._drive(self._now)
        self._drive(self._now + round(seconds * _NANOSECONDS))

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a coroutine to its end, without time passing, and return its result.

        Raises:
            RuntimeError: the coroutine waits for something that does not happen by itself.
        """
        task = self.create_task(coroutine)
        self.run_until_idle()
        if not task.done():
            task.cancel()
            self.run_until_idle()
            name = getattr(coroutine, "__qualname__", "the coroutine")
            raise RuntimeError(
                f"{name} waits for time to pass, or for something that nothing in the test does"
            )
        return task.result()

    def close(self) -> None:
        """Cancel the tasks that are left, and close the loop."""
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
        """Run a function in a thread. The loop is not idle until the function has ended."""
        future = super().run_in_executor(executor, sharing(self._lent, executor, func), *args)
        self._work.add(future)
        future.add_done_callback(self._work.discard)
        return future

    def call_exception_handler(self, context: Mapping[str, Any]) -> None:
        """Keep the exception of a callback for the test; log everything else as usual."""
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
        """Move the clock, and return the real seconds to wait, now that no I/O is ready.

        Args:
            timeout: seconds until the next timer; 0 when a callback is ready, None without timers.
        """
        left = self._deadline - time.monotonic()
        if left <= 0 and not self._failures:
            if self._work:
                why = "a thread has not ended"
            else:
                why = "there is always more to do (a loop that never waits, or a long advance()?)"
            raise TimeoutError(f"not idle after {self._patience:g} s: {why}")
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
    """The system's selector. It waits only as long as the clock lets it."""

    def __init__(self, wait: Callable[[float | None], float]) -> None:
        self._wait = wait
        self._system = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # The first call does not wait: a thread may have woken the loop meanwhile.
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
    """Return the clock that the open sessions of this thread share."""
    if _shared.clock is None:
        _shared.clock = Clock()
    _shared.sessions += 1
    return _shared.clock


def shared() -> bool:
    """Tell whether more than one session is open."""
    return _shared.sessions > 1


def give_back() -> None:
    """Let go of the clock, and close it after the last session."""
    _shared.sessions -= 1
    if _shared.sessions == 0 and _shared.clock is not None:
        clock, _shared.clock = _shared.clock, None
        clock.close()


def _check_no_other_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop runs here, and a session has one of its own: write the test as a plain `def`"
    )
