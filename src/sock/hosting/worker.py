"""What this process is under a supervisor: one of several workers on this machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_REQUEST_TIMEOUT: Final = 1.0
"""Seconds for the requests of connections that a worker has accepted before it leaves."""

_PAUSE: Final = 0.02
"""Seconds between two looks for them."""


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
_look: Callable[[], Worker | None] | None = None


def of_process() -> Worker | None:
    """Return what this process is; None if no supervisor has started it."""
    if _of_process is None and _look is not None:
        return _look()
    return _of_process


def look_with(look: Callable[[], Worker | None]) -> None:
    """Ask a function where no server has said what this process is.

    Args:
        look: finds out whether another project's server has started this process. The answer may
            change: such a server may import the application before it starts its workers.
    """
    global _look  # noqa: PLW0603 - there is one for the process
    _look = look


def set_of_process(worker: Worker | None) -> None:
    """Say what this process is. The server says so before it imports the application."""
    global _of_process  # noqa: PLW0603 - there is one for the process
    _of_process = worker


async def wait_for_first_requests(owes_answers: Callable[[], bool]) -> None:
    """Let the requests come whose connections this worker accepted before it stopped accepting.

    Only this process can answer them. They have a second.

    Args:
        owes_answers: whether a connection has not had the answer to its first request.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _FIRST_REQUEST_TIMEOUT
    while loop.time() < deadline and owes_answers():  # noqa: ASYNC110 - once in a process
        await asyncio.sleep(_PAUSE)
