"""Watches a process from outside: its memory, its descriptors and its CPU, by /proc of Linux."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, final

_PROC: Final = Path("/proc")
_EVERY: Final = 0.2
"""Seconds between two looks."""

_SETTLE: Final = 1.0
"""Seconds that a server has to let go of the last connections."""

_MUCH_MEMORY: Final = 32 * 1024 * 1024
_MANY_DESCRIPTORS: Final = 10


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """What a process and its children have at one moment.

    Args:
        memory: resident, in bytes.
        descriptors: open files and sockets.
        cpu: in seconds, since the process began.
    """

    memory: int
    descriptors: int
    cpu: float


@final
@dataclass(frozen=True, slots=True)
class Watched:
    """What a process has used while it was tried.

    Args:
        before: at the beginning.
        after: at the end, when all connections are closed.
        peak: the most memory and the most descriptors at any moment.
    """

    before: Sample
    after: Sample
    peak: Sample

    @property
    def growth(self) -> list[str]:
        """What has grown, as sentences; empty where nothing has."""
        grown: list[str] = []
        memory = self.after.memory - self.before.memory
        if memory > _MUCH_MEMORY:
            grown.append(f"the server keeps {memory / 2**20:.0f} MiB more than before")
        descriptors = self.after.descriptors - self.before.descriptors
        if descriptors > _MANY_DESCRIPTORS:
            grown.append(f"the server keeps {descriptors} more descriptors than before")
        return grown


def can_watch(pid: int) -> bool:
    """Tell whether a process can be watched: it exists, and is the user's own, on Linux."""
    return sample(pid) is not None


def sample(pid: int) -> Sample | None:
    """Return what a process and its children have now; None if it cannot be seen."""
    memory = descriptors = 0
    cpu = 0.0
    try:
        for one in _family(pid):
            pages = int((_PROC / str(one) / "statm").read_text().split()[1])
            memory += pages * os.sysconf("SC_PAGE_SIZE")
            descriptors += len(list((_PROC / str(one) / "fd").iterdir()))
            times = _fields(one)
            cpu += (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
    return Sample(memory, descriptors, cpu)


@final
class Watch:
    """Watches a process for as long as it is entered.

    Args:
        pid: of the process.
    """

    def __init__(self, pid: int) -> None:
        self.result: Watched | None = None
        """What was seen; None before the end, and where the process has ended."""
        self._pid = pid
        self._before = sample(pid)
        self._peak = self._before
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await asyncio.sleep(_SETTLE)
        after = sample(self._pid)
        if after is not None and self._before is not None and self._peak is not None:
            self.result = Watched(self._before, after, self._peak)

    async def _look(self) -> None:
        while True:
            now = sample(self._pid)
            if now is not None and self._peak is not None:
                self._peak = Sample(
                    max(now.memory, self._peak.memory),
                    max(now.descriptors, self._peak.descriptors),
                    now.cpu,
                )
            await asyncio.sleep(_EVERY)


def _family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    parents: dict[int, list[int]] = {}
    for path in _PROC.iterdir():
        if path.name.isdigit():
            try:
                parent = int(_fields(int(path.name))[1])
            except (OSError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(path.name))
    found, waiting = [pid], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, which may have spaces in it."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
