"""Runs an event loop in a process of its own, and bounds the time that its end takes.

    left when the main coroutine has ended            for how long            and then
    ------------------------------------------------  ----------------------  --------------------
    tasks                                             cancelled, 2 s to end   named, and abandoned
    async generators                                  closed, 2 s to end      abandoned
    threads that were begun in the loop, such as      waited for, 1 s         named, and left alone
    those of `asyncio.to_thread`

asyncio's own runner has no such bounds: it waits for a task that swallows its cancellation, and for
every thread of the loop's executor.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from sock import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

_CANCEL_TIMEOUT: Final = 2.0
"""Seconds for tasks to end after they have been cancelled."""

_JOIN_TIMEOUT: Final = 1.0
"""Seconds for threads to end. The drain has already waited for those that a connection needs."""


def run_to_end(
    main: Callable[[], Coroutine[Any, Any, None]],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None,
    debug: bool,
) -> None:
    """Run a coroutine in an event loop of its own, and end the tasks and threads that it leaves.

    Args:
        main: makes the coroutine.
        loop_factory: makes the loop; None for the loop that asyncio makes.
        debug: whether to put the loop in debug mode; False leaves that to Python's own switches.

    Raises:
        RuntimeError: an event loop runs in this thread.
    """
    _check_no_loop()
    known = frozenset(threading.enumerate())
    loop = asyncio.new_event_loop() if loop_factory is None else loop_factory()
    running: asyncio.Task[None] | None = None
    try:
        asyncio.set_event_loop(loop)
        if debug:
            loop.set_debug(True)
        running = loop.create_task(main())
        loop.run_until_complete(running)
    finally:
        try:
            if running is not None:
                _end_main(loop, running)
            tasks = _end_tasks(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()  # this does not wait for the threads of the executor
        threads = [thread.name for thread in threads_left(known)]
        if tasks or threads:
            telemetry.emit("server.left", tasks=tasks, threads=threads)


def threads_left(
    known: Collection[threading.Thread], seconds: float = _JOIN_TIMEOUT
) -> list[threading.Thread]:
    """Wait for the threads that Python would wait for at its end; return those that go on.

    Args:
        known: the threads that are not waited for.
        seconds: the time for all of them together.
    """
    deadline = time.monotonic() + seconds
    left: list[threading.Thread] = []
    for thread in threading.enumerate():
        if thread.daemon or thread in known or thread is threading.current_thread():
            continue
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            left.append(thread)
    return left


def name_of(task: asyncio.Task[Any]) -> str:
    """Return the name of a task, and of the coroutine in it."""
    running = task.get_coro()
    return f"{task.get_name()} ({getattr(running, '__qualname__', type(running).__qualname__)})"


def _check_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("an event loop runs here already: use `async with serve(app)` in it")


def _end_main(loop: asyncio.AbstractEventLoop, running: asyncio.Task[None]) -> None:
    """Let the main coroutine end, where another task has stopped the loop with SystemExit."""
    if not running.done():
        running.cancel()
        loop.run_until_complete(asyncio.wait({running}))
    elif not running.cancelled():
        running.exception()  # it has been raised, and asyncio need not warn of it


def _end_tasks(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Cancel the tasks that are left, and return the names of those that do not end."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    left = _wait(loop, tasks)
    for task in tasks - left:
        if not task.cancelled() and (error := task.exception()) is not None:
            message = "a task has raised when it was cancelled at the end"
            loop.call_exception_handler({"message": message, "exception": error, "task": task})
    closing = loop.create_task(loop.shutdown_asyncgens())
    for task in left | _wait(loop, {closing}):
        abandoned: Any = task
        abandoned._log_destroy_pending = False  # noqa: SLF001 - the caller names it
    return sorted(map(name_of, left))


def _wait(loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Return the tasks that have not ended in time."""
    if not tasks:
        return set()
    return loop.run_until_complete(asyncio.wait(tasks, timeout=_CANCEL_TIMEOUT))[1]
