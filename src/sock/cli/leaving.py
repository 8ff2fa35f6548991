"""The end of the process: it comes although Python would still wait for threads that are left.

the process                       what is left             how the process ends
--------------------------------  -----------------------  ---------------------------------
runs our server, which has ended  nothing                  Python ends it
                                  threads, after 1 s       atexit handlers, flush, `os._exit`
runs uvicorn, which has stopped   nothing, after 3 s       Python ends it
but waits for tasks and threads   tasks or threads, after  a thread of its own does the same:
                                  3 s                      handlers, flush, `os._exit`
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

_UVICORN_TIMEOUT: Final = 3.0
"""Seconds that all tasks and threads have to end for which uvicorn and asyncio wait."""

_process_ends: Final = threading.Event()
"""Set when the process ends, so that the thread of `end_process_later` has nothing more to do."""

_run_by_uvicorn: Final = threading.Event()
"""Set where uvicorn runs the application: our own server has then not reported what is left."""


def end_process(
    code: int, threads_before: Collection[threading.Thread], error: BaseException | None = None
) -> None:
    """End the process if threads are left for which Python would wait; otherwise return.

    Args:
        code: the exit code.
        threads_before: the threads that the process had before the command ran; they are left
            alone.
        error: the exception that ends the process, if there is one. Its traceback is printed.
    """
    if len(threading.enumerate()) == 1:
        return
    from sock.server.ending import threads_left

    left = threads_left(threads_before)
    if left:
        _process_ends.set()
        if error is not None:
            traceback.print_exception(error)
        if _run_by_uvicorn.is_set():
            _report([], left)
        _exit_now(code)


def end_process_later(threads_before: Collection[threading.Thread]) -> None:
    """End the process with code 0, in a few seconds, if tasks or threads still keep it then."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    _run_by_uvicorn.set()
    # Python calls this after it has waited for threads, and before the handlers of the program.
    atexit.register(_process_ends.set)

    def end() -> None:
        from sock.server.ending import name_of, threads_left

        if not _process_ends.wait(_UVICORN_TIMEOUT):
            tasks = [] if loop is None else sorted(map(name_of, asyncio.all_tasks(loop)))
            _report(tasks, threads_left({*threads_before, threading.main_thread()}, 0))
            _exit_now(0)

    threading.Thread(target=end, name="sock-leaving", daemon=True).start()


def _report(tasks: list[str], threads: list[threading.Thread]) -> None:
    log.attach()
    telemetry.emit("server.left", tasks=tasks, threads=[thread.name for thread in threads])


def _exit_now(code: int) -> None:
    run_handlers: Any = getattr(atexit, "_run_exitfuncs")  # noqa: B009 - it has no public name
    run_handlers()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
