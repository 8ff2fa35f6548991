"""The live connections of an event loop that another server runs, kept so that they can be drained.

Our own server keeps its connections itself. Another server knows nothing of Socks: so an adapter
adds each of its connections here, and all of them are told when that server stops.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self, final

from sock import telemetry
from sock.spec import Options

from .asking import check_not_stopping
from .drain import drain

if TYPE_CHECKING:
    from sock.live.bridge import Bridge

    from .drain import HttpConnection, LiveConnection


_options_of_process: Options = Options()


def set_options_of_process(options: Options) -> None:
    """Lay options over those of all hosts in this process: how many a drain tells at a time."""
    global _options_of_process  # noqa: PLW0603 - the command decides once for its process
    _options_of_process = options


def with_options_of_process(options: Options | None) -> Options:
    """Return the options of a host, under those of its process."""
    return _options_of_process if options is None else _options_of_process.over(options)


@final
class Members:
    """The connections that live on one event loop, in servers that are not ours.

    Use `Members.of`, in the thread of that loop, and do not make one.
    """

    _of_loop: Final[dict[asyncio.AbstractEventLoop, Self]] = {}

    def __init__(self) -> None:
        self.http_connections: tuple[HttpConnection, ...] = ()
        """Always empty: the other server answers the requests that are no connections yet."""
        self.live_connections: set[LiveConnection] = set()
        """The connections that have a Sock."""
        self.draining = False
        """Whether new connections are refused."""
        self._empty = asyncio.Event()
        self._empty.set()

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Members:
        """Return the members of this loop, which runs in this thread."""
        members = cls._of_loop.get(loop)
        if members is None:
            for other in list(cls._of_loop):  # a copy: other threads add their loops meanwhile
                if other.is_closed():
                    cls._of_loop.pop(other, None)
            members = cls._of_loop[loop] = cls()
        return members

    def check_not_draining(self) -> None:
        """Refuse a new connection while the others are sent away.

        Raises:
            HandshakeError: the server is stopping (503).
        """
        check_not_stopping(draining=self.draining)

    def add(self, connection: LiveConnection) -> None:
        """Add a live connection."""
        self.live_connections.add(connection)
        self._empty.clear()

    def discard(self, connection: LiveConnection) -> None:
        """Remove a connection that has ended."""
        self.live_connections.discard(connection)
        if not self.live_connections:
            self._empty.set()

    async def run(self, bridge: Bridge) -> None:
        """Run a bridge from `init` to the end of `terminate`, as one of the live connections.

        Raises:
            asyncio.CancelledError: this was cancelled, and the life cycle is over.
            Exception: the server refuses our close code.
        """
        self.add(bridge)
        try:
            await bridge.run()
        finally:
            self.discard(bridge)

    async def wait_empty(self) -> None:
        """Wait until there is no connection."""
        await self._empty.wait()

    async def drain(self, seconds: float | None, options: Options | None = None) -> int:
        """End all connections: they finish their work, and close with 1012.

        Args:
            seconds: after which the connections that are left are cut; None for never.
            options: say how many are told at a time; None for the defaults.

        Returns:
            How many were cut, or had work that was cancelled.
        """
        self.draining = True
        try:
            if not self.live_connections:
                await asyncio.sleep(0)  # requests that come in at this moment are refused too
            if not self.live_connections:
                return 0
            telemetry.emit(
                "server.draining", connections=len(self.live_connections), seconds=seconds
            )
            cut = await drain(self, with_options_of_process(options), seconds)
        finally:
            self.draining = False  # another server may follow on this loop
        telemetry.emit("server.stopped", connections=cut)
        return cut
