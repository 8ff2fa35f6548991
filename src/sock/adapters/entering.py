"""A signal while uvicorn waits for the application's lifespan, under `sock run`.

    the lifespan       a first signal                       a second one
    -----------------  -----------------------------------  ------------------------
    is being entered   cancels it; then the process ends,   ends the process at once
                       with 0, and nothing was started
    is entered         is uvicorn's: it drains              is uvicorn's
    is being left      has come before                      ends the process at once

By itself uvicorn waits for either without a bound, whatever signals come.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from .event import Event, Receive, Scope, Send

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@final
class Entering:
    """An ASGI application in front of another, in the main thread of a process that serves it.

    Args:
        app: the other one.
        stopped: called when the process is to end.
    """

    def __init__(self, app: Any, stopped: Callable[[], None]) -> None:
        self._app = app
        self._stopped = stopped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no lifespan, and listen for signals where it is one."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "uvicorn makes one for the lifespan"
        uvicorns = {number: signal.getsignal(number) for number in _SIGNALS}
        cancelled = False

        def restore() -> None:
            for number, handler in uvicorns.items():
                signal.signal(number, handler)

        def cancel(_number: int, _frame: FrameType | None) -> None:
            nonlocal cancelled
            cancelled = True
            _listen(_end_at_once)
            loop.call_soon_threadsafe(task.cancel)

        async def received() -> Event:
            event = await receive()
            if event["type"] == "lifespan.shutdown":
                _listen(_end_at_once)
            return event

        async def said(event: Event) -> None:
            if not cancelled:  # what a framework says of its cancellation is no news
                restore()
                await send(event)

        _listen(cancel)
        try:
            await self._app(scope, received, said)
        except BaseException:
            if not cancelled:
                raise
        finally:
            restore()
        if cancelled:
            loop.call_soon(self._end)
            with contextlib.suppress(asyncio.CancelledError):
                await loop.create_future()  # until the loop ends: uvicorn would start

    def _end(self) -> None:
        self._stopped()
        sys.exit(0)


def _listen(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
