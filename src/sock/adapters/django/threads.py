"""The threads in which the ORM runs for the sockets of one event loop."""

# Django ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from asgiref.sync import AsyncToSync
from django.db import close_old_connections, connections

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_AFTER: Final = 1.0
"""Seconds after which the connections of a thread are looked at again."""

_THREADS: Final = 8
"""Each has a connection to each database; a database has 100 or so for all processes."""


@final
class OrmThreads(Executor):
    """Several threads for the ORM, in place of the one that asgiref has for all.

        what happens                          what is done
        ------------------------------------  ---------------------------------------------------
        a task calls the ORM the first time   it gets the thread that the fewest tasks have
        the task calls again, until it ends   the same thread is used, with the same connection
        every second with connections open
          - no task has the thread            old connections are closed, by Django's rules
          - a task has the thread             only broken connections are closed: on another there
                                              may be a half-read cursor, a temporary table, a lock

    A callback that waits is a task, and so are a generator, a stream and a spawned coroutine.
    Django's tests and its HTTP requests choose a thread for the ORM by themselves. This class
    leaves that choice alone, and the connections of that thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._threads = [_OrmThread(loop) for _ in range(_THREADS)]
        self._of: dict[asyncio.Task[Any], _OrmThread] = {}

    @classmethod
    def of_this_loop(cls) -> OrmThreads | None:
        """Have the ORM run in these threads from now on; return None where others were chosen."""
        loop = asyncio.get_running_loop()
        known: dict[Any, Any] = AsyncToSync.loop_thread_executors
        if loop not in known:
            for other, threads in list(known.items()):
                if isinstance(threads, cls) and other.is_closed():
                    known.pop(other, None)
                    threads.end()
            known[loop] = cls(loop)
        threads = known[loop]
        return threads if isinstance(threads, cls) else None

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call in the thread of the current task."""
        task = asyncio.current_task()
        thread = None if task is None else self._of.get(task)
        if thread is None:
            # The first of those with the fewest tasks: so few threads are used if few suffice.
            thread = min(self._threads, key=lambda one: one.tasks)
            if task is not None:
                self._of[task] = thread
                thread.tasks += 1
                task.add_done_callback(self.give_back)
        return thread.submit(call, *args, **kwargs)

    def give_back(self, task: asyncio.Task[Any] | None) -> None:
        """Note that a task has ended, or will not use the ORM any more."""
        if task is not None and (thread := self._of.pop(task, None)):
            thread.tasks -= 1

    def end(self) -> None:
        """End the threads and close their connections, because the loop is closed."""
        for thread in self._threads:
            if thread.look_due:
                thread.pool.submit(connections.close_all)
            thread.pool.shutdown(wait=False)


@final
class _OrmThread:
    """One thread with its connections to the databases. Its methods are called in the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.pool = ThreadPoolExecutor(1, "sock-orm")
        self.tasks = 0
        self.look_due = False
        """Whether a look at its connections is due, because some may be open."""

    def submit(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        self._schedule_look()
        return self.pool.submit(call, *args, **kwargs)

    def _schedule_look(self) -> None:
        if not self.look_due:
            self.look_due = True
            # In a new context: the caller's would be kept for as long as this goes on.
            self._loop.call_later(_LOOK_AFTER, self._look, context=contextvars.Context())

    def _look(self) -> None:
        # A call that is submitted from now on runs after this look, and begins another one.
        self.look_due = False
        closing = self._loop.run_in_executor(self.pool, partial(_close_old, in_use=self.tasks > 0))
        closing.add_done_callback(self._looked)

    def _looked(self, closing: asyncio.Future[bool]) -> None:
        if closing.cancelled() or closing.exception() or closing.result():
            self._schedule_look()


def _close_old(*, in_use: bool) -> bool:
    """Close the old or broken connections of this thread; tell whether any is left open."""
    if not in_use:
        close_old_connections()
    opened: list[Any] = [
        one for one in connections.all(initialized_only=True) if one.connection is not None
    ]
    for one in opened:
        if in_use and one.errors_occurred and not (one.in_atomic_block or one.is_usable()):
            one.close()
    return any(one.connection is not None for one in opened)
