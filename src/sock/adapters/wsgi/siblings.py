"""What this process is under gunicorn or uWSGI: one of several workers of the same parent.

what is looked for       where it is
-----------------------  ------------------------------------------------------------------
the worker of gunicorn   its method is the handler of SIGTERM, from its start on
a worker of uWSGI        the module that uWSGI gives it
its siblings             workers that the same process has started, which may serve topics
                         together: their folder has that process in its name

Before its workers are there, a server may import the application: that process is no worker.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from sock.hosting import worker

from . import uwsgi


def worker_object() -> Any:
    """Return the worker object of gunicorn in this process; None if it is none of its workers.

    A worker that gets its signal answers the requests under way first, for up to 30 seconds. The
    peers of Socks shall not wait for that. Nothing tells of it but the attribute `alive`, and only
    the handler of the signal leads to the worker.
    """
    found = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return found if hasattr(found, "alive") and hasattr(found, "cfg") else None


def as_worker() -> worker.Worker | None:
    """Return this process as one of several workers; None if it is none."""
    found = worker_object()
    if found is not None:
        workers, parent = found.cfg.workers, found.ppid
    else:
        workers, parent = uwsgi.workers()
    return worker.Worker(workers, str(_folder(parent))) if workers > 1 else None


def remove_folder() -> None:
    """Remove the folder of the workers, if this is the last one that has used it."""
    found = as_worker()
    if found is not None:
        with contextlib.suppress(OSError):  # another one has a file in it, or nobody has made it
            Path(found.folder).rmdir()


def _folder(parent: int) -> Path:
    """Return the folder that all children of a process have for themselves.

    Its name cannot be kept secret. So who uses it checks that it is the user's alone.
    """
    began = ""
    with contextlib.suppress(OSError):  # a system without this file
        # Behind the name of the program, which is in brackets: the time at which it was started.
        began = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19]
    user = os.geteuid() if hasattr(os, "geteuid") else ""
    return Path(tempfile.gettempdir()) / f"sock-{user}-{parent}-{began}"


worker.look_with(as_worker)
