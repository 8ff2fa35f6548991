"""Work in steps: a generator that yields what has to be awaited, and gets its result.

Plain functions run inline, and where nothing is awaited there is neither a coroutine nor a task.
What awaits something goes on beside the connection, as an iterator for a `Stream`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, final

if TYPE_CHECKING:
    from sock.spec import Ref

    from .message import Frame


class Within(NamedTuple):
    """Something that is awaited for so many seconds, and not longer."""

    awaitable: Awaitable[Any]
    seconds: float | None
    """None for no limit."""


Steps: TypeAlias = Generator[Awaitable[Any] | Within, Any, None]
"""Work that yields what is awaited, and gets its result, or the exception that it has raised."""

Rest: TypeAlias = AsyncIterator[Any]
"""The rest of some work, which goes on beside the connection: an iterator of frames."""


class Overdue(Exception):
    """Something was awaited for too long. Raised where it was yielded."""


@final
class StepRunner:
    """Runs the rest of some work, which awaits something.

    Args:
        ref: the address of the connection.
    """

    __slots__ = ("_ref", "_timeout")

    def __init__(self, ref: Ref[Any]) -> None:
        self._ref = ref
        self._timeout: asyncio.Timeout | None = None

    async def run(
        self,
        steps: Steps,
        awaited: Awaitable[Any] | Within,
        take_late: Callable[[], Iterator[Frame]],
    ) -> Rest:
        """Go on with the work to its end.

        Args:
            steps: the work.
            awaited: what it has yielded.
            take_late: returns the frames that can only be yielded.
        """
        following: Awaitable[Any] | Within | None = awaited
        try:
            while following is not None:
                following = await self._step(steps, following)
                for frame in take_late():
                    yield frame
        finally:
            steps.close()

    async def exhaust(self, steps: Steps, awaited: Awaitable[Any] | Within) -> None:
        """Go on with the work to its end; no frames come of it."""
        following: Awaitable[Any] | Within | None = awaited
        try:
            while following is not None:
                following = await self._step(steps, following)
        finally:
            steps.close()

    def interrupt(self) -> None:
        """Have what is awaited now end as if it had taken too long."""
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    async def _step(
        self, steps: Steps, awaited: Awaitable[Any] | Within
    ) -> Awaitable[Any] | Within | None:
        """Await something, and let the work go on until it yields again, or is done."""
        awaitable, seconds = awaited if isinstance(awaited, Within) else (awaited, None)
        result: Any = None
        raised: Exception | None = None
        timeout = self._timeout = asyncio.timeout(seconds)
        try:
            async with timeout:
                result = await awaitable
        except TimeoutError as error:
            raised = Overdue() if timeout.expired() else error
        except asyncio.CancelledError as error:
            if self._ref.closed or _is_cancelled():
                raise
            raised = RuntimeError("a callback was cancelled")
            raised.__cause__ = error
        except Exception as error:  # noqa: BLE001 - a callback may raise anything
            raised = error
        self._timeout = None
        try:
            return steps.send(result) if raised is None else steps.throw(raised)
        except StopIteration:
            return None
        finally:
            raised = None  # it refers to this frame


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
