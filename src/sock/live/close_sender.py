"""How a Close is said by a server that is not ours: once, by a task of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from sock import telemetry

from .server_wire import forget, let_go

if TYPE_CHECKING:
    from sock.engine import Lifecycle
    from sock.spec import Request

    from .server_wire import Closing, ServerWire


@final
class CloseSender:
    """The Close of one connection.

    A task of its own, as some servers wait for the peer's answer before they return from this.

    Args:
        foreign: the connection.
        loop: the event loop.
    """

    __slots__ = ("_foreign", "_loop", "_refused", "_refusing", "_task")

    def __init__(self, foreign: ServerWire, loop: asyncio.AbstractEventLoop) -> None:
        self._foreign = foreign
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._refused: Exception | None = None  # why the server does not say it
        self._refusing: asyncio.Future[None] = loop.create_future()  # done when it does not

    def begin(self, closing: Closing, *, heeded: bool = False, within: float | None = None) -> None:
        """Say it, unless that has begun.

        Args:
            closing: what to say.
            heeded: whether a refusal of the server's is told.
            within: seconds, after which whatever the server waits for is given up.
        """
        if self._task is not None:
            return
        saying: Any = self._foreign.close(closing.code, closing.detail)
        self._task = self._loop.create_task(saying)
        self._task.add_done_callback(self._ended if heeded else forget)
        if within is not None:
            self._loop.call_later(within, self._task.cancel)

    async def wait(self, over: asyncio.Future[None], bound: float | None) -> None:
        """Wait for the end, and until the Close has been said, if that has begun.

        Args:
            over: done at the end.
            bound: seconds after that.

        Raises:
            Exception: the server does not say it. At once: what is under way may finish without.
        """
        await asyncio.wait({over, self._refusing}, return_when=asyncio.FIRST_COMPLETED)
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=bound)
        if self._refused is not None:
            raise self._refused

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        # autobahn (daphne) lets an application say few codes, and refuses the others with a plain
        # Exception. What else is raised says that the peer has gone, which is no news.
        if type(error) is Exception:
            self._refused = error
            let_go(self._refusing)


def tell_end(request: Request, lifecycle: Lifecycle, seconds: float) -> None:
    """Tell how a connection has ended, if it was live.

    Args:
        request: that was upgraded.
        lifecycle: which has ended.
        seconds: since the connection was opened.
    """
    cause = lifecycle.cause
    if cause is not None:
        telemetry.emit(
            "connection.closed",
            request=request,
            code=cause.code,
            reason=cause.reason,
            dropped=lifecycle.outbox.dropped,
            seconds=seconds,
        )
