"""What this process is under a supervisor: one of several workers on this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Worker:
    """This process as one worker of a server.

    Args:
        workers: how many there were when it was started.
        folder: where the workers of this server, and nobody else, may have files (0700).
    """

    workers: int
    folder: str


_of_process: Worker | None = None


def of_process() -> Worker | None:
    """Return what this process is; None if no supervisor has started it."""
    return _of_process


def set_of_process(worker: Worker | None) -> None:
    """Say what this process is. The server says so before it imports the application."""
    global _of_process  # noqa: PLW0603 - there is one for the process
    _of_process = worker
