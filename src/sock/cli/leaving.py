"""The end of the process, also where threads are left that Python would wait for.

the process                        what is left            the end
---------------------------------  ----------------------  --------------------------------------
runs our server                    nothing                 Python's own
                                   threads, 1 s later      atexit handlers, flush, `os._exit`
runs uvicorn, which has stopped,   nothing 3 s later       Python's own
but waits for tasks and threads    tasks or threads        the same, by a thread that watches
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, Final

from sock import telemetry
from sock.observe import log

if TYPE_CHECKING:
    from collections.abc import Collection

_JOINING: Final = 1.0
"""Seconds for threads to end."""

_WATCHING: Final = 3.0
"""Seconds for all that uvicorn and asyncio wait for to end."""

_ending: Final = threading.Event()
"""Set when the process ends: whoever watches has nothing to do any more."""

_watching: Final = threading.Event()
"""Set when nobody has told what is left."""


def leave(
    code: int, known: Collection[threading.Thread], error: BaseException | None = None
) -> None:
    """End the process if threads are left that would keep it; else return.

    Args:
        code: of the exit.
        known: threads that are none of our business.
        error: that ends the process, to be shown by Python.
    """
    if len(threading.enumerate()) == 1:
        return
    from sock.server.ending import threads_left

    left = threads_left(known, _JOINING)
    if left:
        _ending.set()
        if error is not None:
            traceback.print_exception(error)
        if _watching.is_set():  # our own server has told it
            _tell([], left)
        _end(code)


def watch(known: Collection[threading.Thread]) -> None:
    """See to it that the process ends, with 0, when what is left would keep it."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    _watching.set()
    atexit.register(_ending.set)  # which comes behind the threads, and before the other handlers

    def end() -> None:
        from sock.server.ending import name_of, threads_left

        if not _ending.wait(_WATCHING):
            tasks = [] if loop is None else sorted(map(name_of, asyncio.all_tasks(loop)))
            _tell(tasks, threads_left({*known, threading.main_thread()}, 0))
            _end(0)

    threading.Thread(target=end, name="sock-leaving", daemon=True).start()


def _tell(tasks: list[str], threads: list[threading.Thread]) -> None:
    log.attach()
    telemetry.emit("server.left", tasks=tasks, threads=[thread.name for thread in threads])


def _end(code: int) -> None:
    run_handlers: Any = getattr(atexit, "_run_exitfuncs")  # noqa: B009 - Python's own, without a public name
    run_handlers()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
