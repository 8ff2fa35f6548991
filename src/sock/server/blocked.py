"""Says that an event loop is blocked, where a signal has asked it to stop."""

from __future__ import annotations

import _thread
import sys
import time
from typing import TYPE_CHECKING, Final

from sock import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE: Final = 2.0
"""Seconds that a loop has to begin its stop. A turn of a loop that works takes milliseconds."""


def report_if_blocked(begun: Callable[[], bool], loop_thread: int) -> None:
    """Report after two seconds which code keeps a stop from beginning, if it has not begun.

    Called by the handler of a signal: so the thread is begun without `threading`, whose locks the
    code that was interrupted may hold.

    Args:
        begun: tells whether the stop has begun.
        loop_thread: the number of the thread that runs the event loop.
    """
    _thread.start_new_thread(_report, (begun, loop_thread))


def _report(begun: Callable[[], bool], loop_thread: int) -> None:
    time.sleep(PATIENCE)
    if begun():
        return
    frame = sys._current_frames().get(loop_thread)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - documented, for such reports
    if frame is not None:
        code = frame.f_code
        telemetry.emit(
            "server.blocked",
            seconds=PATIENCE,
            place=code.co_qualname,
            where=f"{code.co_filename}:{frame.f_lineno}",
        )
