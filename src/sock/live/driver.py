"""Runs the jobs of a life cycle, which are coroutines, generators and streams, and reports them.

A job is begun at once (`sock.loop.eager`): a coroutine that does not suspend costs no task and no
turn of the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import TYPE_CHECKING, Any, Final, cast

from sock.engine import Job
from sock.engine.job import TASK
from sock.loop.eager import SuspendedCoroutine
from sock.loop.slow_callback import report_slow_steps

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .live_connection import LiveConnection

_ITEMS_A_TURN: Final = 64
"""Items of an iterator that never suspends, before other connections get their turn."""


def start(connection: LiveConnection, job: Job) -> None:
    """Begin a job of the life cycle, and report it when it is done."""
    begun = job.awaitable
    if not isinstance(begun, SuspendedCoroutine):  # otherwise the lane has begun it already
        work = _coroutine(connection, job)
        if connection.debug:
            work = report_slow_steps(work, connection.lifecycle.qualified_name(job.place))
        try:
            begun = connection.reactor.eager.begin(work, connection)
        except asyncio.CancelledError:
            _report_cancelled(connection, job)
            return
        except BaseException as error:
            connection.lifecycle.job_raised(job, error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                connection.wake()  # to finish the end that has begun, if the event loop goes on
                raise
            return
    if not isinstance(begun, SuspendedCoroutine):
        connection.lifecycle.job_returned(job, begun)
    elif begun.task.done():
        _report(connection, job, begun.task)
    else:
        follow(connection, job, begun.task)
        if job.cancelled and job.iterator is None:
            begun.task.cancel()  # the job was cancelled in its first step, before it had a task


def follow(connection: LiveConnection, job: Job, task: asyncio.Task[Any]) -> None:
    """Report a job when its task, which is under way, is done."""
    job.handle = task
    job.since = connection.reactor.loop.time()
    task.add_done_callback(lambda done: connection.run_in_scope(_report, connection, job, done))


def follow_spawned(connection: LiveConnection, task: asyncio.Task[Any]) -> None:
    """Follow a task of `Ref.spawn`, which is cancelled when the connection ends."""
    job = Job(TASK, "spawn")
    follow(connection, job, task)
    connection.lifecycle.job_spawned(job)


def cancel(job: Job) -> None:
    """Cancel a job. A job that is running at this moment looks at `job.cancelled` by itself."""
    task: asyncio.Task[Any] | None = job.handle
    if task is not None and task is not _current_task():
        task.cancel()


def _report(connection: LiveConnection, job: Job, task: asyncio.Task[Any]) -> None:
    """Tell the life cycle the outcome of a task. A wanted cancellation has the outcome None."""
    # A job and its task know each other. The task also knows the exception that ended it, whose
    # traceback knows the job. These circles would keep the connection in memory until the garbage
    # collector runs.
    job.handle = job.awaitable = None
    try:
        error = task.exception()  # also takes the cancellation error away from the task
    except asyncio.CancelledError as cancelled:
        cancelled.__traceback__ = cancelled.__context__ = None
        _report_cancelled(connection, job)
        return
    if error is None:
        connection.lifecycle.job_returned(job, task.result())
    else:
        connection.lifecycle.job_raised(job, error)


def _report_cancelled(connection: LiveConnection, job: Job) -> None:
    # When the end has begun, the event loop may have cancelled the task, because it is stopping.
    if job.cancelled or job.role is TASK or connection.lifecycle.closed:
        connection.lifecycle.job_returned(job, None)
    else:
        place = connection.lifecycle.qualified_name(job.place)
        connection.lifecycle.job_raised(job, asyncio.CancelledError(f"{place} was cancelled"))


def _coroutine(connection: LiveConnection, job: Job) -> Coroutine[Any, Any, Any]:
    awaitable: Any = job.awaitable
    if awaitable is None:
        return _exhaust(connection, job)
    if isinstance(awaitable, Coroutine):
        return cast("Coroutine[Any, Any, Any]", awaitable)
    return _await(awaitable)


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _exhaust(connection: LiveConnection, job: Job) -> None:
    """Push the items of an iterator, no faster than the peer takes them, then close it."""
    iterator = job.iterator
    assert iterator is not None, "a job has an awaitable or an iterator"
    count = 0
    try:
        while not job.cancelled:
            try:
                item = await anext(iterator)
            except StopAsyncIteration:
                return
            connection.lifecycle.job_yielded(job, item)
            del item  # it may be large, and the peer slow
            count += 1
            if count % _ITEMS_A_TURN == 0:
                await asyncio.sleep(0)
            await connection.wait_for_room()
    finally:
        if isinstance(iterator, AsyncGenerator):
            await cast("AsyncGenerator[Any, Any]", iterator).aclose()


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop is running: the interpreter is shutting down
        return None
