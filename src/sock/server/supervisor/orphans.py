"""Orphans: processes whose parent has ended, which the first process of a container inherits.

When an orphan ends, the first process has to take its exit code; until then it stays in the table
of processes as a zombie. The supervisor does that, because every child of its own is a worker, so
that it can tell the two apart. A process that runs an application cannot: the application starts
processes, and waits for their exit codes itself.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def is_first_process() -> bool:
    """Tell whether this process inherits the orphans of its container, or of the machine."""
    return os.getpid() == 1


def reap(own: Collection[int]) -> int:
    """Take the exit codes of orphans that have ended; return of how many.

    Args:
        own: the process ids of our own children, for which somebody else waits.
    """
    count = 0
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # there is no child at all
            return count
        if (
            ended is None or ended.si_pid in own
        ):  # others may be behind it: the next look finds them
            return count
        os.waitpid(ended.si_pid, 0)
        count += 1
