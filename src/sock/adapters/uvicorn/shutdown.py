"""The end of a Sock within the time that uvicorn's shutdown has.

seconds before the bound          what is done                                 because
--------------------------------  -------------------------------------------  -----------------
the whole bound                   the drain begins: callbacks may finish
1, or a quarter of the bound      unfinished callbacks are cancelled           Close takes time
half of that                      a callback that ignores its cancellation is  `terminate` takes
abandoned                                    time too
0                                 the connection is cut                        uvicorn goes on
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sock.engine.phase import Phase

if TYPE_CHECKING:
    from sock.live import Link

_CLOSING: Final = 1.0
"""Seconds of the bound that are kept for the Close frames; a quarter of the bound at most."""

_BOUNDS_OF_AN_END: Final = 3
"""How many bounds an end has: the callbacks', that of their cancellation, and `terminate`'s."""

RELOAD_TIMEOUT: Final = 1.0
"""Seconds that the work under way has when a developer waits for `--reload`."""


def shut_down(link: Link, over: asyncio.Future[None], bound: float | None) -> None:
    """Drain a connection within a bound.

    Args:
        link: the connection.
        over: is done when the connection has ended.
        bound: in seconds; None for no bound.
    """
    if bound is None:
        link.shutdown(None)
        return
    closing = min(_CLOSING, bound / 4)
    link.shutdown(bound - closing)
    loop = asyncio.get_running_loop()
    timers = (
        loop.call_later(bound - closing / 2, _abandon, link),
        loop.call_later(bound, _cut, link),
    )
    over.add_done_callback(lambda _: _cancel(timers))


def smaller(one: float | None, other: float | None) -> float | None:
    """Return the smaller of two bounds, where None is no bound."""
    return other if one is None else one if other is None else min(one, other)


def _cancel(timers: tuple[asyncio.TimerHandle, ...]) -> None:
    for timer in timers:
        timer.cancel()


def _abandon(link: Link) -> None:
    """Stop waiting for a callback that ignores its cancellation: `terminate` needs time too."""
    if link.lifecycle.phase is Phase.ENDING:
        link.lifecycle.alarmed()


def _cut(link: Link) -> None:
    """End the connection at once, because uvicorn waits no longer."""
    link.abort()
    for _ in range(_BOUNDS_OF_AN_END):
        link.lifecycle.alarmed()
