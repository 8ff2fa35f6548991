"""The end of the Socks of a uvicorn server within the time that its shutdown has.

uvicorn tells each of its connections to shut down, one after the other, and then waits for them.
They are drained together, as everywhere (`sock.hosting.drain`): so the drain has batches.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from sock import telemetry
from sock.hosting.drain import drain
from sock.hosting.members import with_options_of_process

if TYPE_CHECKING:
    from sock.hosting.drain import HttpConnection, LiveConnection
    from sock.live import Link
    from sock.spec import Options

RELOAD_TIMEOUT: Final = 1.0
"""Seconds that the work under way has when a developer waits for `--reload`."""


class _Shutdown:
    """The shutdown of one uvicorn server.

    Args:
        bound: seconds that it may take; None for no bound.
        options: of the application, which say how many connections are told at a time.
    """

    def __init__(self, bound: float | None, options: Options) -> None:
        self.http_connections: tuple[HttpConnection, ...] = ()
        """Always empty: uvicorn answers the requests that are no connections yet."""
        self.live_connections: set[LiveConnection] = set()
        """The Socks of this server that have been told to shut down."""
        self._bound = bound
        self._options = with_options_of_process(options)
        self._empty = asyncio.Event()
        # uvicorn tells all connections in one turn of the loop, and the task runs in the next one.
        self._drained = asyncio.get_running_loop().create_task(self._drain())

    def add(self, link: Link, over: asyncio.Future[None]) -> None:
        """Add a connection; one that comes while the others are drained is told by itself."""
        self.live_connections.add(link)
        self._empty.clear()
        over.add_done_callback(lambda _: self._discard(link))

    async def wait_empty(self) -> None:
        """Wait until there is no connection."""
        await self._empty.wait()

    def _discard(self, link: Link) -> None:
        self.live_connections.discard(link)
        if not self.live_connections:
            self._empty.set()

    async def _drain(self) -> None:
        telemetry.emit(
            "server.draining", connections=len(self.live_connections), seconds=self._bound
        )
        cut = await drain(self, self._options, self._bound)
        telemetry.emit("server.stopped", connections=cut)


_shutdowns: Final[WeakKeyDictionary[Any, _Shutdown]] = WeakKeyDictionary()
"""The shutdowns that have begun, by the state of their server: uvicorn's own object."""


def shut_down(
    server_state: Any,
    link: Link,
    over: asyncio.Future[None],
    bound: float | None,
    options: Options,
) -> None:
    """Drain a connection, together with the others of its server.

    Args:
        server_state: uvicorn's, one for each server.
        link: the connection.
        over: is done when the connection has ended.
        bound: seconds that the shutdown may take; None for no bound.
        options: of the application.
    """
    shutdown = _shutdowns.get(server_state)
    if shutdown is None:
        shutdown = _shutdowns[server_state] = _Shutdown(bound, options)
    shutdown.add(link, over)


def smaller(one: float | None, other: float | None) -> float | None:
    """Return the smaller of two bounds, where None is no bound."""
    return other if one is None else one if other is None else min(one, other)
