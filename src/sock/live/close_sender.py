"""Sends the Close frame of a bridge through the other server: once, in a task of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from .live_connection import resolve

if TYPE_CHECKING:
    from .server_wire import QueuedClose, ServerWire


@final
class CloseSender:
    """Sends the Close frame of one connection.

    It has a task of its own because some servers wait in their `close` for the peer's answer.

    Args:
        wire: the connection in the other server.
        loop: the event loop.
    """

    __slots__ = ("_loop", "_refusal", "_refused", "_task", "_wire")

    def __init__(self, wire: ServerWire, loop: asyncio.AbstractEventLoop) -> None:
        self._wire = wire
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._refusal: Exception | None = None  # the server's, which does not send this code
        self._refused: asyncio.Future[None] = loop.create_future()  # done when there is a refusal

    def begin(
        self, close: QueuedClose, *, report_refusal: bool = False, timeout: float | None = None
    ) -> None:
        """Begin to send the Close frame, unless that was begun before.

        Args:
            close: the code and the detail.
            report_refusal: whether `wait` raises the error of a server that refuses the code.
            timeout: seconds after which sending is given up; None for no limit.
        """
        if self._task is not None:
            return
        sending: Any = self._wire.close(close.code, close.detail)
        self._task = self._loop.create_task(sending)
        self._task.add_done_callback(self._keep_refusal if report_refusal else ignore_outcome)
        if timeout is not None:
            self._loop.call_later(timeout, self._task.cancel)

    async def wait(self, ended: asyncio.Future[None], close_timeout: float) -> None:
        """Wait until the connection has ended, and then until the Close frame, if any, was sent.

        Args:
            ended: done when the life cycle has ended.
            close_timeout: seconds to wait for the Close frame after that.

        Raises:
            Exception: the server refuses the code. It is raised at once, while the connection may
                still have work under way.
        """
        await asyncio.wait({ended, self._refused}, return_when=asyncio.FIRST_COMPLETED)
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=close_timeout)
        if self._refusal is not None:
            raise self._refusal

    def _keep_refusal(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        # autobahn, which daphne uses, lets an application send few codes and refuses the others
        # with a plain Exception. Any other error says that the peer is gone, which is known.
        if type(error) is Exception:
            self._refusal = error
            resolve(self._refused)


def ignore_outcome(task: asyncio.Task[None]) -> None:
    """Take the exception of a task, so that asyncio does not report it: the peer is gone."""
    if not task.cancelled():
        task.exception()
