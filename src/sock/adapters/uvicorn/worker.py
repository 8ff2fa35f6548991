"""uvicorn in a worker of `sock run`'s supervisor: it listens where the supervisor has bound.

The supervisor starts, replaces and watches the workers, as it does for our own server. uvicorn's
own processes and its own reload are not used.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from sock.hosting.members import Members
from sock.hosting.worker import wait_for_first_requests

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection, Sequence
    from types import FrameType


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker has of its supervisor.

    Args:
        sockets: where it listens.
        serving: is called, with a function that returns the live connections and with the seconds
            of a drain, when it accepts connections.
        draining: is called when it accepts nothing more.
        ended: is called when it has drained.
    """

    sockets: Sequence[socket.socket]
    serving: Callable[[Callable[[], Collection[Any]], float | None], None]
    draining: Callable[[], None]
    ended: Callable[[], None]


def run_in_place(app: Callable[[], Any], place: Place, settings: dict[str, Any]) -> None:
    """Serve as a worker until SIGTERM.

    Args:
        app: returns the application.
        place: that of this worker.
        settings: of uvicorn's `Config`.
    """
    server = _Server(uvicorn.Config(app, **settings), place)
    try:
        server.run(sockets=list(place.sockets))
    finally:
        place.ended()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


@final
class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, place: Place) -> None:
        super().__init__(config)
        self._place = place

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            loop = asyncio.get_running_loop()
            bound = self.config.timeout_graceful_shutdown
            self._place.serving(lambda: Members.of(loop).live_connections, bound)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._place.draining()
        for server in self.servers:
            server.close()
        # uvicorn would close the connections whose request is on its way.
        await wait_for_first_requests(self._first_requests_to_come)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Ctrl-C in a terminal reaches all processes; the supervisor decides what it means.
        if sig != signal.SIGINT:
            super().handle_exit(sig, frame)

    def _first_requests_to_come(self) -> bool:
        connections: Any = self.server_state.connections
        return any(getattr(connection, "cycle", self) is None for connection in connections)
