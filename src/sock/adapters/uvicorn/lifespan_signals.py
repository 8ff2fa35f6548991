"""Signals that arrive while uvicorn waits for the application's lifespan, under `sock run`.

    the lifespan       a first signal                            a second signal
    -----------------  ----------------------------------------  ------------------------
    is being entered   cancels it; then the process ends with    ends the process at once
                       0, and no server was started
    is entered         is handled by uvicorn: it drains          is handled by uvicorn
    is being left      has arrived before                        ends the process at once

Without this, uvicorn waits for both without a limit, and signals do not change that.
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

    from sock.adapters.asgi.event import Event, Receive, Scope, Send

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@final
class InterruptibleLifespan:
    """Around an ASGI application: lets signals interrupt its lifespan.

    It runs in the main thread of a process that serves the application.

    Args:
        app: the ASGI application.
        stopped: is called when the process is about to end.
    """

    def __init__(self, app: Any, stopped: Callable[[], None]) -> None:
        self._app = app
        self._stopped = stopped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "uvicorn makes a task for the lifespan"
        handlers_of_uvicorn = {number: signal.getsignal(number) for number in _SIGNALS}
        cancelled = False

        def restore() -> None:
            for number, handler in handlers_of_uvicorn.items():
                signal.signal(number, handler)

        def cancel(_number: int, _frame: FrameType | None) -> None:
            nonlocal cancelled
            cancelled = True
            _handle_signals(_end_at_once)
            loop.call_soon_threadsafe(task.cancel)

        async def receive_and_listen() -> Event:
            event = await receive()
            if event["type"] == "lifespan.shutdown":
                _handle_signals(_end_at_once)
            return event

        async def send_unless_cancelled(event: Event) -> None:
            if not cancelled:  # a framework's report of its own cancellation would be logged
                restore()
                await send(event)

        _handle_signals(cancel)
        try:
            await self._app(scope, receive_and_listen, send_unless_cancelled)
        except BaseException:
            if not cancelled:
                raise
        finally:
            restore()
        if cancelled:
            loop.call_soon(self._end)
            with contextlib.suppress(asyncio.CancelledError):
                await loop.create_future()  # uvicorn would start the server if this returned

    def _end(self) -> None:
        self._stopped()
        sys.exit(0)


def _handle_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
