"""The event loop of a process whose server has none: its host runs one in a thread of its own.

`sock.adapters.wsgi` provides it. What is called in the threads of such a server, and needs an event
loop, finds it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    LoopOfProcess = Callable[[], asyncio.AbstractEventLoop]

_provided: LoopOfProcess | None = None


def provide(loop_of_process: LoopOfProcess) -> None:
    """Say what returns the event loop of this process, which begins if it has not."""
    global _provided  # noqa: PLW0603 - there is one for the process
    _provided = loop_of_process


def provided() -> asyncio.AbstractEventLoop | None:
    """Return the event loop of this process, which begins if it has not; None if no host has one.

    Raises:
        HandshakeError: the process is about to end.
    """
    return None if _provided is None else _provided()
