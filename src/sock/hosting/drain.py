"""The orderly end of all connections of a host, be it our own server or an adapter to another one.

1. The host accepts no new connections. Those in their HTTP phase get their last answer.
2. Every Sock is told, a batch in each turn of the loop, to finish its work and to close with
   1012.
3. The host waits until all connections have ended, `seconds` at most.
4. The connections that are left are cut.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

_BATCH: Final = 1000
"""How many Socks are told in one turn of the loop. The others get turns of theirs in between."""

_CLOSE_RESERVE: Final = 1.0
"""Seconds of the time that are kept for the Close frames to leave, a quarter of it at most."""

_CUT_TIMEOUT: Final = 1.0
"""Seconds for the connections that were cut to be reported as lost, and for their `terminate`."""


class HttpConnection(Protocol):
    """A connection in its HTTP phase, which has no Sock yet."""

    def shutdown(self) -> None:
        """Close the connection when it is idle; else the answer under way is its last one."""

    def abort(self) -> None:
        """Cut the connection."""


class LiveConnection(Protocol):
    """A connection that has a Sock."""

    def shutdown(self, timeout: float | None, /) -> None:
        """Finish the work under way within `timeout` seconds, then close with 1012."""

    def abort(self) -> None:
        """Cut the connection."""


class Drainable(Protocol):
    """A host that accepts no more, and whose connections are to end."""

    @property
    def http_connections(self) -> Collection[HttpConnection]:
        """The connections in their HTTP phase."""
        ...

    @property
    def live_connections(self) -> Collection[LiveConnection]:
        """The connections that have a Sock."""
        ...

    async def wait_empty(self) -> None:
        """Wait until there are no connections of either kind."""


async def drain(host: Drainable, seconds: float | None) -> int:
    """End all connections of a host that accepts no more.

    Args:
        host: whose connections end.
        seconds: after which the connections that are left are cut; None for never.

    Returns:
        How many were cut.
    """
    loop = asyncio.get_running_loop()
    deadline = None if seconds is None else loop.time() + seconds
    close_by = None
    if deadline is not None and seconds is not None:
        close_by = deadline - min(_CLOSE_RESERVE, seconds / 4)
    for http_connection in list(host.http_connections):
        http_connection.shutdown()
    remaining = iter(list(host.live_connections))
    while batch := list(islice(remaining, _BATCH)):
        for connection in batch:
            if connection in host.live_connections:
                timeout = None if close_by is None else max(0.0, close_by - loop.time())
                connection.shutdown(timeout)
        await asyncio.sleep(0)
    if await _empty_by(host, deadline):
        return 0
    left_over: list[Any] = [*host.http_connections, *host.live_connections]
    for one in left_over:
        one.abort()
    await _empty_by(host, loop.time() + _CUT_TIMEOUT)
    return len(left_over)


async def _empty_by(host: Drainable, deadline: float | None) -> bool:
    """Wait until no connection is left; tell whether that came before the deadline."""
    try:
        async with asyncio.timeout_at(deadline):
            await host.wait_empty()
    except TimeoutError:
        return False
    return True
