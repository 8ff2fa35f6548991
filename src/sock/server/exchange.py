"""One request and its answer: the server's own rules, beside those of `hosting/asking.py`.

    the request                                      the answer
    -----------------------------------------------  --------------------------------------------
    asks for the server's health, by GET or HEAD     200; 503 while the server is stopping
    comes on a connection that is one too many       503
    asks to upgrade, and the server is stopping      503
    asks to upgrade, and its address has as much as  429
    one may have (`address_limits.py`)
    is answered with a connection, and the server    503
    has begun to stop meanwhile
    any other                                        by the rules of `hosting/asking.py`

The first two rows come before the application is asked; the next two come when the handshake has
been found valid. No other request follows one that asks to upgrade, whatever its answer is: the
bytes behind it may be frames. No other request follows a failure either, nor a refusal of the
host's.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, final

from sock import telemetry
from sock.hosting import asking, forwarded
from sock.live import Link
from sock.spec import HandshakeError, Refuse, Response, Sock
from sock.wire import handshake

from .response import render, wants_close

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sock.hosting.forwarded import Trusted
    from sock.loop import Pipe
    from sock.spec import Request, Upgrade

    from .service import Service

_ENDS_OF_THE_PROGRAM: Final = (KeyboardInterrupt, SystemExit)
"""Exceptions that are answered like all others, and raised again."""

_HEALTHY: Final = Response(200, "ok", {"Cache-Control": "no-store"})
_STOPPING: Final = Response(503, "stopping", {"Cache-Control": "no-store"})


class Requester(Protocol):
    """The connection that a request has come on, as far as its exchange needs to know it."""

    pipe: Pipe
    next_answer_is_last: bool

    def send(self, data: bytes) -> None:
        """Send the answer."""

    def hand_over(self, link: Link, head: bytes) -> None:
        """Give the pipe to a link, which sends the 101."""

    def go_on(self) -> None:
        """Read the next request, after an answer that was waited for."""


@final
class Exchange:
    """One request, from its last byte to its answer's first.

    Args:
        requester: the connection that the request has come on.
        service: whose application answers.
        request: complete, its body included.
    """

    __slots__ = ("_key", "_over", "_requester", "_service", "_task", "keep_alive", "request")

    def __init__(self, requester: Requester, service: Service, request: Request) -> None:
        self.request = request
        self.keep_alive = False
        """Whether another request may follow the answer."""
        self._requester = requester
        self._service = service
        self._key: str | None = None  # of a valid handshake
        self._task: asyncio.Task[None] | None = None
        self._over = False

    @property
    def upgrading(self) -> bool:
        """Whether the answer may be a connection."""
        return self._key is not None

    def begin(self, *, full: bool, keep_alive: bool) -> None:
        """Ask the application, unless the server answers by itself.

        Args:
            full: whether the connection is one too many.
            keep_alive: whether another request may follow, for all that this one says.
        """
        self.keep_alive = keep_alive
        if self._service.trusted is not None:
            self._believe_proxy()
        self._service.scope.new_context().run(self._ask, full)

    def cancel(self) -> None:
        """Give up, and cancel the application: nobody will see the answer."""
        self._over = True
        if self._task is not None:
            self._task.cancel()
        if self._service.address_limits is not None:
            self._service.address_limits.release(self)

    # Asking.

    def _believe_proxy(self) -> None:
        fields = self.request.notable
        # A connection without a proxy pays for these questions only (bench, sock connect).
        if fields is not None and (
            "x-forwarded-for" in fields
            or "x-forwarded-proto" in fields
            or "x-forwarded-host" in fields
            or "forwarded" in fields
        ):
            forwarded.apply(cast("Trusted", self._service.trusted), self.request, fields)

    def _ask(self, full: bool) -> None:  # noqa: FBT001 - it goes through Context.run
        service = self._service
        try:
            if service.health is not None and self._asks_for_health():
                answer: Any = _STOPPING if service.draining else _HEALTHY
            else:
                answer = self._call(full=full)
        except BaseException as error:
            self._settle(None, error)
            if isinstance(error, _ENDS_OF_THE_PROGRAM):
                raise
            return
        if asking.must_await(answer):
            self._begin_waiting(answer)
        else:
            self._settle(answer, None)

    def _asks_for_health(self) -> bool:
        request = self.request
        return (
            request.method in {"GET", "HEAD"}
            and request.path == self._service.health
            and not handshake.asks_to_upgrade(request)
        )

    def _call(self, *, full: bool) -> Any:
        service, request = self._service, self.request
        if full:
            raise HandshakeError(503, "too many connections", [("Retry-After", "5")])
        upgrading = handshake.asks_to_upgrade(request)
        if upgrading:
            self.keep_alive = False
        if service.root_path:
            request.root_path = service.root_path
        if service.state:
            request.state.update(service.state)
        return asking.call(
            service.app,
            request,
            self._check_handshake,
            upgrading=upgrading,
            sock_class=service.sock_class,
            options=service.options,
        )

    def _check_handshake(self) -> None:
        self._key = handshake.check(self.request)
        service = self._service
        asking.check_not_stopping(draining=service.draining)
        if service.address_limits is not None:
            service.address_limits.admit(self, self.request.client, service.loop.time())

    def _begin_waiting(self, answer: Awaitable[Any]) -> None:
        waiting = self._wait(answer)
        loop = self._service.loop
        if sys.version_info >= (3, 12):
            # An application that answers without waiting costs no turn of the loop.
            task: asyncio.Task[None] = asyncio.Task(waiting, loop=loop, eager_start=True)
        else:
            task = loop.create_task(waiting)
        if not task.done():
            self._task = task

    async def _wait(self, answer: Awaitable[Any]) -> None:
        awaiting = asking.AwaitedAnswer(answer)
        try:
            awaited = await awaiting
        except GeneratorExit as error:
            if awaiting.closed:  # with its loop: nobody waits for the answer
                raise
            self._settle(None, error)
        except asyncio.CancelledError as error:  # by `cancel`, or raised by the application
            self._settle(None, error)
            raise
        except BaseException as error:
            self._settle(None, error)
            if isinstance(error, _ENDS_OF_THE_PROGRAM):
                raise
        else:
            self._settle(awaited, None)
        self._requester.go_on()

    # Answering.

    def _settle(self, answer: Any, error: BaseException | None) -> None:
        """Answer with what the application has returned, or for what it has raised."""
        if self._over:  # the peer has gone meanwhile
            return
        self._task = None  # from here on there is nothing to cancel
        try:
            try:
                if error is not None:
                    raise error
                self._answer(answer)
            except (Refuse, HandshakeError) as refusal:
                if not isinstance(refusal, Refuse):
                    self.keep_alive = False
                self._send(asking.refused(self.request, refusal))
        except BaseException as failure:
            if self._over:  # it has been answered: this is no failure of the application
                raise
            self.keep_alive = False
            self._send(asking.failed(self.request, failure))

    def _answer(self, answer: Any) -> None:
        checked = asking.check_answer(answer, upgrading=self._key is not None)
        if isinstance(checked, Response):
            self._send(checked)
        else:
            self._accept(checked)

    def _accept(self, answer: Sock[Any, Any, Any] | Upgrade) -> None:
        service, request, key = self._service, self.request, self._key
        assert key is not None, "check_answer refuses a connection without a handshake"
        asking.check_not_stopping(draining=service.draining)
        checked = service.options.origins if service.sock_class else None
        acceptance, options = asking.accept_upgrade(
            request, key, answer, service.options, checked_origins=checked
        )
        link = Link(
            service.reactor,
            self._requester.pipe,
            request,
            answer if isinstance(answer, Sock) else answer.handler,
            options,
            agreement=acceptance.agreement,
            on_over=service.on_link_over,
            debug=service.debug,
            scope=service.scope.for_current_context(),
        )
        self._over = True
        if service.address_limits is not None:
            service.address_limits.move(self, link)
        self._requester.hand_over(link, acceptance.head)

    def _send(self, response: Response) -> None:
        if self._service.address_limits is not None:
            self._service.address_limits.release(self)
        if wants_close(response) or self._requester.next_answer_is_last or self._service.draining:
            self.keep_alive = False
        data = render(response, self.request, keep_alive=self.keep_alive)
        self._over = True
        telemetry.emit(
            "request.answered", request=self.request, status=response.status, size=len(data)
        )
        self._requester.send(data)
