"""A server: a service that listens, and that can be drained."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, cast, final

from sock import telemetry
from sock.hosting.drain import drain
from sock.hosting.members import Members
from sock.hosting.worker import wait_for_first_requests
from sock.loop.shared_tls import SharedTLS
from sock.loop.sockets import accept, adopt
from sock.loop.tls import TLSPipe
from sock.spec import Response

from .connection import Connection
from .listener import Listener
from .proxy_protocol import ProxyHeader
from .response import render
from .service import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sock.loop import Pipe, Receiver
    from sock.loop.sockets import Accepted
    from sock.spec import App, Options

    from .binding import Bound
    from .certificates import Certificates
    from .proxy_protocol import AddressablePipe


@final
class Server(Service):
    """One application in the running event loop, on one address or several. Made by `serve`.

    Args:
        app: answers the requests.
        options: limits, over those that the application carries; those of a handler's class and of
            an `Upgrade` are laid over them.
        health: the path on which the server itself says that it is well; None for none.
        debug: whether to name callbacks that block the loop; None for whether the loop is in debug
            mode.
        certificates: what is shown to peers, who then have to speak TLS; None without TLS.
        proxies: `forwarded_allow_ips`, `proxy_protocol` and `root_path` of a `Service`.

    Attributes:
        host: where it listens first: as it was given, or the address of every interface; empty
            where it listens on Unix sockets only.
        port: where it listens first: the free port that was found, where 0 was given; 0 where it
            listens on Unix sockets only.
        urls: where it listens, one for each address, such as "http://127.0.0.1:8000" and
            "unix:/run/chat.sock".
    """

    def __init__(
        self,
        app: App,
        *,
        options: Options | None = None,
        health: str | None = None,
        debug: bool | None = None,
        certificates: Certificates | None = None,
        **proxies: Any,
    ) -> None:
        super().__init__(app, options=options, health=health, debug=debug, **proxies)
        self.host = ""
        self.port = 0
        self.urls: tuple[str, ...] = ()
        self._bound: Sequence[Bound] = ()
        self._listeners: list[Listener] = []
        self._certificates = certificates
        self._tls: SharedTLS | None = None
        if certificates is not None:
            self._tls = SharedTLS(self.reactor, certificates.new_tls, _not_tls())
        self._drained: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it listens first, such as "http://127.0.0.1:8000"."""
        return self.urls[0]

    def start(self, bound: Sequence[Bound]) -> None:
        """Accept connections from now on.

        Args:
            bound: at least one; their sockets belong to the server from now on, and the drain
                closes them.
        """
        self._bound = bound
        scheme = "http" if self._tls is None else "https"
        self.urls = tuple(one.url(scheme) for one in bound)
        tcp = next((one for one in bound if one.path is None), None)
        if tcp is not None:
            self.host, self.port = tcp.host, tcp.port
        accept_one = functools.partial(accept, self.reactor)
        self._listeners = [
            Listener(sock, self._accepted, accept_one) for one in bound for sock in one.sockets
        ]
        for listener in self._listeners:
            listener.start()
        telemetry.emit("server.started", urls=self.urls)

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

    async def leave_listening(self) -> None:
        """Stop accepting, as a worker whose sockets other processes have too.

        A connection that was accepted here, and whose request is on its way, is still answered as
        before: only this process can do that. It has a second.
        """
        for listener in self._listeners:
            listener.leave()
        self._listeners = []
        await wait_for_first_requests(self._owes_answers)

    def reload_certificates(self) -> None:
        """Read the certificates and keys again, for the connections that come from now on.

        The connections that there are go on as they are. Nothing is read where the server got an
        `ssl.SSLContext`, or speaks no TLS.

        Raises:
            TLSError: a file cannot be used; everything stays as it was.
        """
        if self._certificates is not None:
            telemetry.emit("tls.reloaded", certificates=self._certificates.reload())

    async def wait_closed(self) -> None:
        """Wait until the server has been drained, by any task."""
        await self._closed.wait()

    def _owes_answers(self) -> bool:
        connections: Any = self.http_connections
        return any(connection.owes_an_answer for connection in connections)

    def _accepted(self, sock: Accepted) -> None:
        adopt(self.reactor, sock, self._connect)

    def _connect(self, pipe: Pipe) -> Receiver:
        if self.proxy_protocol and self.trusted is not None:
            client = pipe.client
            if self.trusted.trusts(None if client is None else client[0]):
                header = ProxyHeader(self, cast("AddressablePipe", pipe), self._begin)
                if self.draining:  # as in `_begin_http`
                    self.loop.call_soon(header.shutdown)
                return header
        return self._begin(pipe)

    def _begin(self, pipe: Pipe) -> Receiver:
        if self._tls is None:
            return self._begin_http(pipe)
        encrypted = TLSPipe(self._tls, pipe)
        encrypted.receiver = self._begin_http(encrypted)
        return encrypted

    def _begin_http(self, pipe: Pipe) -> Connection:
        connection = Connection(self, pipe, full=self.is_full())
        self.http_begun(connection)
        if self.draining:  # it was accepted before the drain began, and is ready only now
            self.loop.call_soon(connection.shutdown)
        return connection

    async def _drain(self, seconds: float | None) -> None:
        self.draining = True
        for one in self._bound:
            one.remove_file()
        for listener in self._listeners:
            listener.close()
        telemetry.emit("server.draining", connections=self.connections, seconds=seconds)
        # Others on this loop may be made of requests to this server, as those of long poll are.
        others = Members.of(self.loop)
        others.draining = True
        try:
            cut = sum(
                await asyncio.gather(*(drain(one, self.options, seconds) for one in (self, others)))
            )
        finally:
            others.draining = False  # another server may follow on this loop
        telemetry.emit("server.stopped", connections=cut)
        self._closed.set()


def _not_tls() -> bytes:
    """Return the answer to a peer that speaks HTTP without TLS."""
    return render(
        Response(400, "this port speaks TLS only: the address begins with https:// or wss://\n"),
        None,
        keep_alive=False,
    )
