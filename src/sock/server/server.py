"""A server: a service that listens, and that can be drained."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, final

from sock import telemetry
from sock.hosting.drain import drain
from sock.loop.sockets import accept, adopt

from .connection import Connection
from .listener import Listener, bind
from .service import Service

if TYPE_CHECKING:
    from sock.loop import Pipe, Receiver
    from sock.loop.sockets import Accepted
    from sock.spec import App, Options


@final
class Server(Service):
    """One application on one port, in the running event loop. Made by `serve`.

    Args:
        app: answers the requests.
        options: limits, over those that the application carries; those of a handler's class and of
            an `Upgrade` are laid over them.
        health: the path on which the server itself says that it is well; None for none.
        debug: whether to name callbacks that block the loop; None for whether the loop is in debug
            mode.

    Attributes:
        host: where it listens: as it was given, or the address of every interface.
        port: where it listens: the free port that was found, where 0 was given.
    """

    def __init__(
        self,
        app: App,
        *,
        options: Options | None = None,
        health: str | None = None,
        debug: bool | None = None,
    ) -> None:
        super().__init__(app, options=options, health=health, debug=debug)
        self.host = ""
        self.port = 0
        self._listeners: list[Listener] = []
        self._drained: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it listens, such as "http://127.0.0.1:8000"."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self, host: str, port: int) -> None:
        """Bind, and accept connections from now on.

        Args:
            host: a name or an address; "" for every interface.
            port: 0 for one that is free.

        Raises:
            OSError: the name is not known, or an address cannot be bound.
        """
        sockets = await bind(host, port)
        address: Any = sockets[0].getsockname()
        self.host = host or address[0]
        self.port = address[1]
        accept_one = functools.partial(accept, self.reactor)
        self._listeners = [Listener(sock, self._accepted, accept_one) for sock in sockets]
        for listener in self._listeners:
            listener.start()
        telemetry.emit("server.started", url=self.url)

    async def drain(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - how long its peers have, not its caller
        """Stop: accept nothing more, finish the work under way, close everything with 1012.

        A second call waits for the end of the first drain.

        Args:
            timeout: seconds after which the connections that are left are cut; None for
                `Options.drain_timeout`.
        """
        if self._drained is None:
            if timeout is None:
                timeout = self.options.drain_timeout
            self._drained = self.loop.create_task(self._drain(timeout))
        # The task that waits here may be cancelled; the drain goes on.
        await asyncio.shield(self._drained)

    async def wait_closed(self) -> None:
        """Wait until the server has been drained, by any task."""
        await self._closed.wait()

    def _accepted(self, sock: Accepted) -> None:
        adopt(self.reactor, sock, self._connect)

    def _connect(self, pipe: Pipe) -> Receiver:
        connection = Connection(self, pipe, full=self.is_full())
        self.http_begun(connection)
        if self.draining:  # it was accepted before the drain began, and is ready only now
            self.loop.call_soon(connection.shutdown)
        return connection

    async def _drain(self, seconds: float | None) -> None:
        self.draining = True
        for listener in self._listeners:
            listener.close()
        telemetry.emit("server.draining", connections=self.connections, seconds=seconds)
        cut = await drain(self, seconds)
        telemetry.emit("server.stopped", connections=cut)
        self._closed.set()
