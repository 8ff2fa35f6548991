"""A server: an application, its listening sockets, and every connection there is."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any, final

from sock import telemetry
from sock.hosting.answer import base_of, only_upgrades
from sock.hosting.drain import drain
from sock.loop.reactor import Reactor
from sock.loop.scope import Scope

from .connection import Connection
from .listener import Listener, bind

if TYPE_CHECKING:
    from sock.live import Link
    from sock.loop import Pipe, Receiver
    from sock.loop.reactor import Accepted
    from sock.spec import App, Options


@final
class Server:
    """One application on one port, in the running event loop. Made by `serve`.

    Args:
        app: answers the requests.
        options: limits, over those that the application carries; those of a handler's class and of
            an `Upgrade` are laid over them.
        health: path on which the server itself says that it is well; None for none.
        debug: whether to name callbacks that block the loop; None for whether the loop is in debug
            mode.

    Attributes:
        host: where it listens: as it was given, or the address of every interface.
        port: where it listens: the one that was free, where 0 was given.
    """

    def __init__(
        self,
        app: App,
        *,
        options: Options | None = None,
        health: str | None = None,
        debug: bool | None = None,
    ) -> None:
        self.app = app
        self.options = base_of(app, options)
        self.health = health
        self.state: dict[str, Any] = {}
        """What the application's lifespan has yielded: laid into the state of every request."""
        self.loop = asyncio.get_running_loop()
        self.debug = self.loop.get_debug() if debug is None else debug
        self.reactor = Reactor.of(self.loop)
        self.scope = Scope(contextvars.copy_context(), shared=True)
        """With the context variables as they are now; each request is asked about in a new one."""
        self.only_upgrades = only_upgrades(app)
        """Whether the application is a Sock class: it makes nothing but connections."""
        self.draining = False
        self.pending: set[Connection] = set()
        """Connections in their HTTP phase."""
        self.links: set[Link] = set()
        """Connections that are live."""
        self.host = ""
        self.port = 0
        self._listeners: list[Listener] = []
        self._drained: asyncio.Task[None] | None = None
        self._empty: asyncio.Event | None = None  # only a drain waits for it
        self._closed = asyncio.Event()

    @property
    def connections(self) -> int:
        """The number of live Socks."""
        return len(self.links)

    @property
    def url(self) -> str:
        """Where it listens, such as "http://127.0.0.1:8000"."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self, host: str, port: int) -> None:
        """Bind and accept.

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
        self._listeners = [Listener(sock, self._accepted, self.reactor.accept) for sock in sockets]
        for listener in self._listeners:
            listener.start()
        telemetry.emit("server.started", url=self.url)

    async def drain(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - how long its peers have, not its caller
        """Stop: accept nothing more, finish what is under way, say 1012 to all, close.

        Draining once more waits for the first time's end.

        Args:
            timeout: seconds after which the connections that are left are cut; None for
                `Options.drain_timeout`.
        """
        if self._drained is None:
            if timeout is None:
                timeout = self.options.drain_timeout
            self._drained = self.loop.create_task(self._drain(timeout))
        # Whoever waits may be cancelled; the drain goes on.
        await asyncio.shield(self._drained)

    async def wait_closed(self) -> None:
        """Wait until it has been drained, by whomever."""
        await self._closed.wait()

    # For the connections.

    def forget(self, connection: Connection) -> None:
        """Note that a connection has ended, or has become a link."""
        self.pending.discard(connection)
        self._look_empty()

    def link_made(self, link: Link) -> None:
        """Note a live connection."""
        self.links.add(link)

    def link_over(self, link: Link) -> None:
        """Note the end of a live connection."""
        self.links.discard(link)
        self._look_empty()

    async def wait_empty(self) -> None:
        """Wait until there is no connection."""
        while self.links or self.pending:
            if self._empty is None:
                self._empty = asyncio.Event()
            await self._empty.wait()

    # Inside.

    def _accepted(self, sock: Accepted) -> None:
        self.reactor.adopt(sock, self._connect)

    def _connect(self, pipe: Pipe) -> Receiver:
        limit = self.options.max_connections
        full = limit is not None and len(self.pending) + len(self.links) >= limit
        connection = Connection(self, pipe, full=full)
        self.pending.add(connection)
        if self.draining:  # accepted before the drain, ready only now
            self.loop.call_soon(connection.shutdown)
        return connection

    def _look_empty(self) -> None:
        if self._empty is not None and not self.links and not self.pending:
            self._empty.set()
            self._empty = None

    async def _drain(self, seconds: float | None) -> None:
        self.draining = True
        for listener in self._listeners:
            listener.close()
        telemetry.emit("server.draining", connections=self.connections, seconds=seconds)
        cut = await drain(self, seconds)
        telemetry.emit("server.stopped", connections=cut)
        self._closed.set()
