"""One request and its answer: what is checked, what the application is asked, what comes of it.

    the request                                      is answered
    -----------------------------------------------  ------------------------------------------
    asks, by GET or HEAD, for the server's health    200; 503 while the server is stopping
    comes on one connection too many                 503, and the application is not asked
    asks to upgrade, and is no valid handshake       400 or 426, and …
    asks to upgrade, and the server is stopping      503, and …
    does not, and the application is a Sock class    426, and no handler is made
    asks to upgrade for another site's page          403; for a Sock class no handler is made

    the application                                  and that is answered with
    -----------------------------------------------  ------------------------------------------
    answers a Response, or raises Refuse             that
    answers a Sock or an Upgrade                     101, and a Link takes over
    … to an ordinary request                         426
    raises something else, or answers something else 500 without details

Whatever the answer to a request that asks to upgrade: what follows it may be frames, and is never
read as a request.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.hosting import answer as answers
from sock.live import Link
from sock.spec import HandshakeError, Refuse, Response, Sock, Upgrade
from sock.wire import handshake

from .response import of_error, render, wants_close

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sock.spec import Request

    from .connection import Connection
    from .server import Server

_STOPS: Final = (KeyboardInterrupt, SystemExit)
"""What stops the program is answered as whatever else an application raises, and goes on."""

_WELL: Final = Response(200, "ok", {"Cache-Control": "no-store"})
_STOPPING: Final = Response(503, "stopping", {"Cache-Control": "no-store"})

_NO_UPGRADE: Final = "a WebSocket connection is what there is here (RFC 6455 §4.2.1)"


@final
class Exchange:
    """One request, from its last byte to its answer's first.

    Args:
        connection: on which it came.
        server: whose application answers.
        request: complete, its body drained.
        keep_alive: whether another request may follow it.
    """

    __slots__ = ("_connection", "_key", "_over", "_server", "_task", "keep_alive", "request")

    def __init__(
        self, connection: Connection, server: Server, request: Request, *, keep_alive: bool
    ) -> None:
        self.request = request
        self.keep_alive = keep_alive
        self._connection = connection
        self._server = server
        self._key: str | None = None  # of the request, when it is a valid handshake
        self._task: asyncio.Task[None] | None = None
        self._over = False

    @property
    def upgrading(self) -> bool:
        """Whether a connection may come of it."""
        return self._key is not None

    def begin(self, *, full: bool) -> None:
        """Ask the application, unless the answer is known before.

        Args:
            full: whether the connection is one too many.
        """
        self._server.scope.fresh().run(self._ask, full)

    def _ask(self, full: bool) -> None:  # noqa: FBT001 - it is passed on
        server = self._server
        try:
            if server.health is not None and self._asks_for_health():
                answered: Any = _STOPPING if server.draining else _WELL
            else:
                self._check(full=full)
                if server.state:
                    self.request.state.update(server.state)
                answered = server.app(self.request)
        except BaseException as error:
            self._settle(None, error)
            if isinstance(error, _STOPS):
                raise
            return
        if isinstance(answered, (Response, Sock, Upgrade)) or not inspect.isawaitable(answered):
            self._settle(answered, None)
        else:
            self._begin_waiting(answered)

    def cancel(self) -> None:
        """Forget it, and cancel the application: nobody is there to see the answer."""
        self._over = True
        if self._task is not None:
            self._task.cancel()

    def _asks_for_health(self) -> bool:
        """Tell whether the server is to answer by itself, also on a connection too many."""
        request = self.request
        return (
            request.method in {"GET", "HEAD"}
            and request.path == self._server.health
            and not handshake.asks_to_upgrade(request)
        )

    def _check(self, *, full: bool) -> None:
        server, request = self._server, self.request
        if full:
            raise HandshakeError(503, "too many connections", [("Retry-After", "5")])
        if handshake.asks_to_upgrade(request):
            self.keep_alive = False
            self._key = handshake.check(request)
            self._check_draining()
        if server.only_upgrades:
            if self._key is None:
                raise HandshakeError(426, _NO_UPGRADE)
            handshake.check_origin(request, server.options.origins)

    def _check_draining(self) -> None:
        if self._server.draining:
            raise HandshakeError(503, "the server is stopping", [("Retry-After", "1")])

    def _begin_waiting(self, answered: Awaitable[Any]) -> None:
        waiting = self._wait(answered)
        loop = self._server.loop
        if sys.version_info >= (3, 12):
            # An application that answers without waiting costs no turn of the loop.
            task: asyncio.Task[None] = asyncio.Task(waiting, loop=loop, eager_start=True)
        else:
            task = loop.create_task(waiting)
        if not task.done():
            self._task = task

    async def _wait(self, answered: Awaitable[Any]) -> None:
        task = asyncio.current_task()
        try:
            awaited = await answered
        except GeneratorExit as error:
            if not answers.runs(task):  # closed with its loop: there is nobody to answer
                raise
            self._settle(None, error)
        except asyncio.CancelledError as error:  # by `cancel`, or by itself
            self._settle(None, error)
            raise
        except BaseException as error:
            self._settle(None, error)
            if isinstance(error, _STOPS):
                raise
        else:
            self._settle(awaited, None)
        self._connection.go_on()

    def _settle(self, answered: Any, error: BaseException | None) -> None:
        if self._over:  # the peer has gone meanwhile
            return
        self._task = None  # from here on there is nothing to cancel
        try:
            try:
                if error is not None:
                    raise error
                self._take(answered)
            except (Refuse, HandshakeError) as refusal:
                self._refuse(refusal)
        except BaseException as failure:
            if self._over:  # not the application's: it has been answered
                raise
            told = answers.explained(failure)
            telemetry.emit("handshake.failed", request=self.request, error=told)
            self.keep_alive = False
            self._send(Response(500, "internal server error\n"))

    def _take(self, answered: Any) -> None:
        taken = answers.taken(answered)
        if isinstance(taken, Response):
            self._send(taken)
        elif self._key is None:
            raise HandshakeError(426, _NO_UPGRADE)
        else:
            self._upgrade(self._key, taken)

    def _upgrade(self, key: str, upgrade: Upgrade) -> None:
        server, request = self._server, self.request
        self._check_draining()
        accepted, options = answers.accepted(request, key, upgrade, server.options)
        link = Link(
            server.reactor,
            self._connection.pipe,
            request,
            upgrade.handler,
            options,
            agreement=accepted.agreement,
            on_over=server.link_over,
            debug=server.debug,
            scope=server.scope.here(),
        )
        self._over = True
        self._connection.hand_over(link, accepted.head)

    def _refuse(self, refusal: Refuse | HandshakeError) -> None:
        if isinstance(refusal, Refuse):
            response, detail = refusal.response, "by the application"
        else:
            response, detail = of_error(refusal), refusal.detail
            self.keep_alive = False
        telemetry.emit(
            "handshake.refused", request=self.request, status=response.status, detail=detail
        )
        self._send(response)

    def _send(self, response: Response) -> None:
        if wants_close(response) or self._connection.last or self._server.draining:
            self.keep_alive = False
        data = render(response, self.request, keep_alive=self.keep_alive)
        self._over = True
        telemetry.emit(
            "request.answered", request=self.request, status=response.status, size=len(data)
        )
        self._connection.send(data)
