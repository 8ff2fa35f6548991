"""The orderly end of a server.

stop accepting; close what is idle; the answers under way are the last ones
tell every Sock, a batch a turn: finish what is under way, say 1012, close
wait until all are gone, `drain_timeout` at most
cut those that are left
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sock.runtime import Link

    from .connection import Connection
    from .server import Server

_BATCH: Final = 1000
"""Socks told in one turn of the loop, so that those who are not yet told still get theirs."""

_LAST_WORDS: Final = 1.0
"""Seconds of the time that are kept for Close frames to leave in, a quarter of it at most."""

_AFTERMATH: Final = 1.0
"""Seconds for the connections that were cut to be reported as lost, and for their `terminate`."""


async def drain(server: Server, seconds: float | None) -> int:
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
    left_over: list[Connection | Link] = [*server.pending, *server.links]
    for one in left_over:
        one.abort()
    await _empty(server, loop.time() + _AFTERMATH)
    return len(left_over)


async def _empty(server: Server, deadline: float | None) -> bool:
    """Wait until no connection is left; tell whether that came before the deadline."""
    try:
        async with asyncio.timeout_at(deadline):
            await server.wait_empty()
    except TimeoutError:
        return False
    return True
