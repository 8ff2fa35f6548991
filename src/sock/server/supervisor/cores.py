"""How many cores this process may use: what `--workers auto` stands for."""

from __future__ import annotations

import os
from pathlib import Path


def available_cores(root: Path = Path("/")) -> int:
    """Return the number of cores that the system lets this process have, 1 or more.

    It counts the cores that the process may run on, and the quota of its control groups, which is
    what a container has: with a quota of 2.5 cores, 2 workers are never held back.

    Args:
        root: where the file system of the machine begins.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quotas = [_quota_of_v2(folder) for folder in _folders(root)]
    quotas.append(_quota_of_v1(root / "sys/fs/cgroup/cpu"))
    smallest = min((quota for quota in quotas if quota is not None), default=float(cores))
    return max(1, min(cores, int(smallest)))


def _folders(root: Path) -> list[Path]:
    """Return the folders of the process's control group and of those around it (version 2)."""
    top = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return [top]
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")
    folder = top / own.lstrip("/")
    return [folder, *(one for one in folder.parents if one.is_relative_to(top))]


def _quota_of_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) / int(period)


def _quota_of_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 and period > 0 else None
