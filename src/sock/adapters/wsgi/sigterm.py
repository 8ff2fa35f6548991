"""A drain before a SIGTERM ends the process, where nobody else would see to it.

what happens                               what is done
-----------------------------------------  -------------------------------------------------------
the signal has a handler already, such as  nothing: its end of the process is a drain
that of gunicorn or of werkzeug's
reloader; or this is not the main thread
otherwise                                  a handler of ours
the signal comes                           the connections hear 1012, then the process ends by the
                                           same signal, as it would have at once
it comes again meanwhile                   the process ends at once
"""

from __future__ import annotations

import os
import signal
import threading

from .background import Background


def drain_at_sigterm() -> None:
    """Let a SIGTERM say 1012 to all connections before it ends the process."""
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_DFL)
    Background.end_of_process()
    os.kill(os.getpid(), number)
