"""An application that is served: what its connections share, and which connections there are."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from sock.hosting import forwarded
from sock.hosting.application import check_application
from sock.hosting.asking import is_sock_class
from sock.hosting.forwarded import Trusted
from sock.hosting.options import options_of_host
from sock.loop.reactor import Reactor
from sock.loop.scope import Scope

from .address_limits import AddressLimits, share

if TYPE_CHECKING:
    from sock.hosting.drain import HttpConnection
    from sock.live import Link
    from sock.spec import App, Options


class Service:
    """One application in the running event loop, with its connections.

    A connection knows the service that it belongs to, and nothing of the `Server` that listens.

    Args:
        app: answers the requests.
        options: limits, over those that the application carries; those of a handler's class and of
            an `Upgrade` are laid over them.
        health: the path on which the server itself says that it is well; None for none.
        debug: whether to name callbacks that block the loop; None for whether the loop is in debug
            mode.
        forwarded_allow_ips: the addresses and networks of the proxies that are believed, with
            commas between; "unix" is a peer on a Unix socket, "*" is everybody, "" is nobody.
        proxy_protocol: whether connections from these proxies begin with a header of the PROXY
            protocol.
        root_path: the path under which a proxy shows the application; it is not in the paths that
            the proxy passes on.

    Raises:
        TypeError: the application cannot be called with a request, or an argument has the wrong
            type.
        ValueError: the options contradict each other, or an argument has none of the values that it
            may have.
    """

    def __init__(
        self,
        app: App,
        *,
        options: Options | None,
        health: str | None,
        debug: bool | None,
        forwarded_allow_ips: str = forwarded.DEFAULT,
        proxy_protocol: bool = False,
        root_path: str = "",
    ) -> None:
        check_application(app)
        self.app = app
        self.options = options_of_host(app, options)
        self.health = health
        self.trusted = Trusted(forwarded_allow_ips) or None
        """The proxies that are believed; None if nobody is."""
        self.proxy_protocol = proxy_protocol
        """Whether a connection of a trusted proxy begins with a header of the PROXY protocol."""
        self.root_path = _checked_root_path(root_path)
        self.state: dict[str, Any] = {}
        """The items that the application's lifespan has yielded, laid into the state of every
        request."""
        self.loop = asyncio.get_running_loop()
        self.debug = self.loop.get_debug() if debug is None else debug
        self.reactor = Reactor.of(self.loop)
        self.scope = Scope(contextvars.copy_context(), shared=True)
        """Holds the context variables as they are now. Each request is answered in a copy."""
        self.sock_class = is_sock_class(app)
        """Whether the application is a Sock class; None where that depends on the path."""
        self.draining = False
        """Whether the server is stopping, and accepts no new connections."""
        self.http_connections: set[HttpConnection] = set()
        """The connections in their HTTP phase."""
        self.live_connections: set[Link] = set()
        """The connections that have a Sock."""
        self.on_link_over = self.link_over
        """The method that a link calls at its end. Every link keeps it, so it is made once only."""
        self._empty: asyncio.Event | None = None  # made when a drain waits for it
        self.max_connections = self.options.max_connections
        """This process's share of the server's limit; None for no limit."""
        self.address_limits: AddressLimits | None = None
        """Counts connections and handshakes by address; None where neither is limited."""
        self.share_limits(1)

    def share_limits(self, workers: int) -> None:
        """Keep to a share of the limits, because so many processes serve side by side.

        Args:
            workers: how many there are, at least one; it may change.
        """
        options = self.options
        if options.max_connections is not None:
            self.max_connections = share(options.max_connections, workers)
        if options.max_connections_per_ip is None and options.handshake_rate_per_ip is None:
            return
        if self.address_limits is None:
            self.address_limits = AddressLimits(options, workers)
        else:
            self.address_limits.limit(options, workers)

    @property
    def connections(self) -> int:
        """The number of live Socks."""
        return len(self.live_connections)

    def is_full(self) -> bool:
        """Tell whether there are as many connections as there may be."""
        limit = self.max_connections
        if limit is None:
            return False
        return len(self.http_connections) + len(self.live_connections) >= limit

    def http_begun(self, connection: HttpConnection) -> None:
        """Add a connection that begins its HTTP phase."""
        self.http_connections.add(connection)

    def http_over(self, connection: HttpConnection) -> None:
        """Remove a connection whose HTTP phase is over: it has ended, or has a link now."""
        self.http_connections.discard(connection)
        self._look_empty()

    def link_made(self, link: Link) -> None:
        """Add a live connection."""
        self.live_connections.add(link)

    def link_over(self, link: Link) -> None:
        """Remove a live connection that has ended."""
        self.live_connections.discard(link)
        if self.address_limits is not None:
            self.address_limits.release(link)
        self._look_empty()

    async def wait_empty(self) -> None:
        """Wait until there is no connection."""
        while self.live_connections or self.http_connections:
            if self._empty is None:
                self._empty = asyncio.Event()
            await self._empty.wait()

    def _look_empty(self) -> None:
        """Wake the drain that waits, when the last connection is over."""
        if self._empty is not None and not (self.live_connections or self.http_connections):
            self._empty.set()
            self._empty = None


def _checked_root_path(path: str) -> str:
    if path and not path.startswith("/"):
        raise ValueError(f"root_path is a path, which begins with '/', not {path!r}")
    return path.rstrip("/")
