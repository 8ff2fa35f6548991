"""The lifespan of an application under test: entered with its first session, left with the last.

Sessions that are open at the same time share one event loop, and so they share the lifespan of
their application too. One task enters and leaves it.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final, final

from sock.spec.lifespan import enter_lifespan

if TYPE_CHECKING:
    from sock.spec.application import Lifespan

    from .clock import Clock


@final
class SharedLifespan:
    """A lifespan that the open sessions of an application share. Made by `enter`."""

    def __init__(self, lifespan: Lifespan, clock: Clock) -> None:
        self.lifespan = lifespan
        self.sessions = 0
        self.state: dict[str, Any] = {}
        """The items that the lifespan has yielded."""
        self._clock = clock
        self._ready: asyncio.Future[None] = clock.create_future()
        self._over = asyncio.Event()
        self._task = clock.create_task(self._live())

    async def begin(self) -> None:
        """Wait until the lifespan is entered."""
        await asyncio.wait({self._ready, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()

    async def end(self) -> None:
        """Leave the lifespan."""
        self._over.set()
        await self._task

    async def _live(self) -> None:
        async with enter_lifespan(self.lifespan) as self.state:
            self._ready.set_result(None)
            await self._over.wait()


class _Shared(threading.local):
    """The lifespans that are entered in this thread."""

    def __init__(self) -> None:
        self.entered: list[SharedLifespan] = []


_shared: Final = _Shared()


def enter(lifespan: Lifespan, clock: Clock) -> SharedLifespan:
    """Enter a lifespan for one more session.

    Raises:
        RuntimeError: the lifespan waits for time to pass, or for the network.
        Exception: whatever the lifespan raises.
    """
    for entered in _shared.entered:
        if entered.lifespan == lifespan:
            break
    else:
        entered = SharedLifespan(lifespan, clock)
        clock.run(entered.begin())
        _shared.entered.append(entered)
    entered.sessions += 1
    return entered


def leave(entered: SharedLifespan, clock: Clock) -> None:
    """Note that one session is over; after the last one, leave the lifespan.

    Raises:
        Exception: whatever the lifespan raises.
    """
    entered.sessions -= 1
    if not entered.sessions:
        _shared.entered.remove(entered)
        clock.run(entered.end())
