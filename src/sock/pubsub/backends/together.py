"""Coroutines that live and end together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Coroutine


_AGAIN: Final = 0.05
"""Seconds after which a task that has not ended is cancelled again."""


async def cancelled(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks, and wait until they have ended.

    `asyncio.wait_for` of Python 3.11 loses a cancellation that comes together with what it waits
    for, and clients of brokers use it. So a task is cancelled until it ends.
    """
    pending = {one for one in tasks if not one.done()}
    while pending:
        for one in pending:
            one.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN)
    for one in tasks:
        if not one.cancelled():
            one.exception()  # nobody else asks for it


async def together(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run coroutines until one of them ends; then cancel the others, and raise what it has raised.

    A TaskGroup would do that too, but its exceptions are groups, and an `except` for an OSError
    does not see them.
    """
    tasks = [asyncio.ensure_future(one) for one in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended = [one for one in tasks if one.done()]
        await cancelled(*tasks)
    for one in ended:
        one.result()
