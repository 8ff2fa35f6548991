"""The live connections of an event loop that is another server's, kept so that they can be drained.

Our own server counts its connections itself. In somebody else's nobody does: an adapter notes each
here, and has all of them told when that server stops.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Self, final

from sock import telemetry
from sock.spec import HandshakeError

from .drain import drain

if TYPE_CHECKING:
    from .drain import Ending


@final
class Members:
    """Connections that live on one event loop in servers that are not ours.

    Got by `Members.of`, in that loop's thread.
    """

    _of: Final[dict[asyncio.AbstractEventLoop, Self]] = {}

    def __init__(self) -> None:
        self.pending: tuple[Any, ...] = ()
        """Nobody: whoever is no Sock yet is the other server's."""
        self.links: set[Ending] = set()
        """Those that are live."""
        self.draining = False
        """Whether new ones are refused."""
        self._empty = asyncio.Event()
        self._empty.set()

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Members:
        """Return those of this loop, which is running in this thread."""
        members = cls._of.get(loop)
        if members is None:
            for other in list(cls._of):  # at one go: other threads have loops too
                if other.is_closed():
                    cls._of.pop(other, None)
            members = cls._of[loop] = cls()
        return members

    def check(self) -> None:
        """Refuse a new one while the others are being sent away.

        Raises:
            HandshakeError: the server is stopping (503).
        """
        if self.draining:
            raise HandshakeError(503, "the server is stopping", [("Retry-After", "1")])

    def add(self, live: Ending) -> None:
        """Note a live connection."""
        self.links.add(live)
        self._empty.clear()

    def discard(self, live: Ending) -> None:
        """Note its end."""
        self.links.discard(live)
        if not self.links:
            self._empty.set()

    async def wait_empty(self) -> None:
        """Wait until there is no connection."""
        await self._empty.wait()

    async def drain(self, seconds: float | None) -> int:
        """End all: finish what is under way, say 1012, at the latest after so many seconds.

        Args:
            seconds: after which those that are left are cut; None for never.

        Returns:
            How many were cut.
        """
        self.draining = True
        try:
            if not self.links:
                await asyncio.sleep(0)  # for those that ask at this moment
            if not self.links:
                return 0
            telemetry.emit("server.draining", connections=len(self.links), seconds=seconds)
            cut = await drain(self, seconds)
        finally:
            self.draining = False  # another server may follow on this loop
        telemetry.emit("server.stopped", connections=cut)
        return cut
