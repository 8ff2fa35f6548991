"""The orderly end of whoever has connections: our own server, or an adapter to another one.

no new ones; those that are still asking for an answer get their last one
tell every Sock, a batch a turn: finish what is under way, say 1012, close
wait until all are gone, `seconds` at most
cut those that are left
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

_BATCH: Final = 1000
"""Socks told in one turn of the loop, so that those who are not yet told still get theirs."""

_LAST_WORDS: Final = 1.0
"""Seconds of the time that are kept for Close frames to leave in, a quarter of it at most."""

_AFTERMATH: Final = 1.0
"""Seconds for the connections that were cut to be reported as lost, and for their `terminate`."""


class Asking(Protocol):
    """A connection that is no Sock yet."""

    def shutdown(self) -> None:
        """Close it when it is idle; else the answer under way is its last."""

    def abort(self) -> None:
        """Cut it."""


class Ending(Protocol):
    """A live connection."""

    def shutdown(self, timeout: float | None, /) -> None:
        """Finish what is under way within `timeout` seconds, then say 1012."""

    def abort(self) -> None:
        """Cut it."""


class Draining(Protocol):
    """Whose connections are to end, and who accepts no more."""

    @property
    def pending(self) -> Collection[Asking]:
        """Those that are no Socks yet."""
        ...

    @property
    def links(self) -> Collection[Ending]:
        """Those that are live."""
        ...

    async def wait_empty(self) -> None:
        """Wait until there is none of either."""


async def drain(server: Draining, seconds: float | None) -> int:
    """End all connections of a server that accepts no more.

    Args:
        server: whose connections.
        seconds: after which those that are left are cut; None for never.

    Returns:
        How many were cut.
    """
    loop = asyncio.get_running_loop()
    deadline = None if seconds is None else loop.time() + seconds
    told_by = None
    if deadline is not None and seconds is not None:
        told_by = deadline - min(_LAST_WORDS, seconds / 4)
    for connection in list(server.pending):
        connection.shutdown()
    told = iter(list(server.links))
    while batch := list(islice(told, _BATCH)):
        for link in batch:
            if link in server.links:
                link.shutdown(None if told_by is None else max(0.0, told_by - loop.time()))
        await asyncio.sleep(0)
    if await _empty(server, deadline):
        return 0
    left_over: list[Any] = [*server.pending, *server.links]
    for one in left_over:
        one.abort()
    await _empty(server, loop.time() + _AFTERMATH)
    return len(left_over)


async def _empty(server: Draining, deadline: float | None) -> bool:
    """Wait until no connection is left; tell whether that came before the deadline."""
    try:
        async with asyncio.timeout_at(deadline):
            await server.wait_empty()
    except TimeoutError:
        return False
    return True
