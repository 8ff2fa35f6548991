"""Coroutines, generators and streams: run, and their outcome told to the life cycle.

They are begun at once (`eager`): a callback that does not suspend costs no task and no turn of the
loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import TYPE_CHECKING, Any, Final, cast

from sock.engine import Job, Role
from sock.loop.eager import SuspendedCoroutine
from sock.loop.slow_callback import report_slow_steps

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .live import Live

_ITEMS_A_TURN: Final = 64  # of an iterator that never suspends, before the others get their turn


def start(link: Live, job: Job) -> None:
    """Begin a job of the life cycle, and report it when it is done."""
    begun = job.awaitable
    if not isinstance(begun, SuspendedCoroutine):  # else the lane has begun it
        work = _coroutine(link, job)
        if link.debug:
            work = report_slow_steps(work, link.lifecycle.place(job.place))
        try:
            begun = link.reactor.eager.begin(work, link)
        except asyncio.CancelledError:
            _report_cancelled(link, job)
            return
        except BaseException as error:
            link.lifecycle.job_raised(job, error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                link.wake()  # to finish the end that has begun, if the loop goes on
                raise
            return
    if not isinstance(begun, SuspendedCoroutine):
        link.lifecycle.job_returned(job, begun)
    elif begun.task.done():
        _report(link, job, begun.task)
    else:
        follow(link, job, begun.task)
        if job.cancelled and job.iterator is None:
            begun.task.cancel()  # in its first step there was nothing yet to cancel


def follow(link: Live, job: Job, task: asyncio.Task[Any]) -> None:
    """Report a task that is under way when it is done."""
    job.handle = task
    task.add_done_callback(lambda done: link.run_in_scope(_report, link, job, done))


def spawned(link: Live, task: asyncio.Task[Any]) -> None:
    """Take a task that dies with the connection."""
    job = Job(Role.TASK, "spawn")
    follow(link, job, task)
    link.lifecycle.job_spawned(job)


def cancel(job: Job) -> None:
    """Cancel a job; one that is just running itself sees `job.cancelled` when it next looks."""
    task: asyncio.Task[Any] | None = job.handle
    if task is not None and task is not _current_task():
        task.cancel()


def _report(link: Live, job: Job, task: asyncio.Task[Any]) -> None:
    """Tell the life cycle what a task came to. Cancelled as was wanted, it came to nothing."""
    # A job and its task know each other, and the task what it was ended by, whose traceback knows
    # the job: circles, which would keep the connection until the garbage collector runs.
    job.handle = job.awaitable = None
    try:
        error = task.exception()  # also takes what it was cancelled by away from it
    except asyncio.CancelledError as cancelled:
        cancelled.__traceback__ = cancelled.__context__ = None
        _report_cancelled(link, job)
        return
    if error is None:
        link.lifecycle.job_returned(job, task.result())
    else:
        link.lifecycle.job_raised(job, error)


def _report_cancelled(link: Live, job: Job) -> None:
    # In an end that has begun it may have been the loop, which lets nothing wait any more.
    if job.cancelled or job.role is Role.TASK or link.lifecycle.closed:
        link.lifecycle.job_returned(job, None)
    else:
        link.lifecycle.job_raised(
            job, asyncio.CancelledError(f"{link.lifecycle.place(job.place)} was cancelled")
        )


def _coroutine(link: Live, job: Job) -> Coroutine[Any, Any, Any]:
    awaitable: Any = job.awaitable
    if awaitable is None:
        return _exhaust(link, job)
    if isinstance(awaitable, Coroutine):
        return cast("Coroutine[Any, Any, Any]", awaitable)
    return _await(awaitable)


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _exhaust(link: Live, job: Job) -> None:
    """Push what an iterator yields, no faster than the peer takes it, and close it in the end."""
    iterator = job.iterator
    assert iterator is not None, "a job has an awaitable or an iterator"
    count = 0
    try:
        while not job.cancelled:
            try:
                item = await anext(iterator)
            except StopAsyncIteration:
                return
            link.lifecycle.job_yielded(job, item)
            del item  # which may be large, and the peer slow
            count += 1
            if count % _ITEMS_A_TURN == 0:
                await asyncio.sleep(0)
            await link.room()
    finally:
        if isinstance(iterator, AsyncGenerator):
            await cast("AsyncGenerator[Any, Any]", iterator).aclose()


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop is running: the interpreter is being shut down
        return None
