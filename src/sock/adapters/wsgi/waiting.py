"""A connection whose application has not answered yet.

    in       what happens                         what is done                              then
    -------  -----------------------------------  ----------------------------------------  -------
    ASKED    the application answers at once      the server sends the response, or the     OVER
                                                  connection is taken from it
    ASKED    the loop goes on without an answer   the connection is taken from the server,  WAITING
                                                  whose thread is free for other requests
    WAITING  bytes                                kept; when there are many, reading pauses WAITING
    WAITING  the peer leaves                      the application is cancelled              OVER
    WAITING  the application accepts              the link reads what was kept, and more    OVER
    WAITING  the application refuses              a `Refusal` has the connection            OVER
    WAITING  … before there is a transport        the answer waits for it                   WAITING

gunicorn's sync worker has one thread. If that waited for an application, no other request could be
answered meanwhile, and perhaps the application waits for one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from sock.loop.pipe import NO_RECEIVER
from sock.spec import HandlerError

from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from sock.loop import Pipe, Reactor
    from sock.loop.pipe import Receiver
    from sock.spec import Response

    from .given_socket import GivenSocket

_MAX_KEPT: Final = 64 * 1024
"""Bytes behind the head that are kept before reading pauses."""


_CONNECT_TIMEOUT: Final = 5.0
"""Seconds for a socket to become a transport, where there is no epoll. It takes a turn or two."""


@final
class Waiting:
    """One request to upgrade, from the question to the application until it is answered.

    Made in the event loop, within the task that asks.

    Args:
        reactor: of the event loop.
        given: the socket of the request.
        told: is given what the server sends: a response, or None if the connection was taken.
    """

    def __init__(self, reactor: Reactor, given: GivenSocket, told: Future[Response | None]) -> None:
        self._reactor = reactor
        self._given = given
        self._told = told
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._pipe: Pipe | None = None
        self._connected = reactor.loop.create_future()
        self._early = bytearray()
        self._paused = False
        self._gone = False
        # Taken in the next turn of the loop, if the application has not answered by then.
        self._handle = reactor.loop.call_soon(self._take)

    def hand_over(self, connect: Callable[[Pipe], Receiver]) -> bytes:
        """Hand the connection over to its link; see `HandOver`."""
        self._handle.cancel()
        if not self._told.done():
            return self._given.take(self._reactor, connect)
        if self._gone or self._pipe is None:
            raise ConnectionResetError("the peer has gone")
        self._give_to(connect)
        return bytes(self._early)

    def answer(self, response: Response | None) -> None:
        """Send a response; None for a connection that was handed over, or whose peer has gone."""
        self._handle.cancel()
        self._task = None
        if not self._told.done():
            self._told.set_result(response)
        elif response is not None and not self._gone:
            self._give_to(Refusal(self._reactor, response).connect)

    def fail(self, error: BaseException) -> None:
        """Note that the answer will never come."""
        self._handle.cancel()
        self._task = None
        if not self._told.done():
            self._told.set_exception(error)
        elif not self._gone:
            self._give_to(self._cut)

    async def connected(self) -> None:
        """Wait for the transport, if the connection was taken from the server and needs one."""
        if self._told.done():
            await asyncio.wait({self._connected}, timeout=_CONNECT_TIMEOUT)

    def _give_to(self, connect: Callable[[Pipe], Receiver]) -> None:
        """Give the connection another receiver."""
        pipe = self._pipe
        if pipe is not None:
            pipe.receiver = connect(pipe)
            if self._paused:
                pipe.resume()

    def _cut(self, pipe: Pipe) -> Receiver:
        self._reactor.loop.call_soon(pipe.abort)
        return NO_RECEIVER

    def _take(self) -> None:
        try:
            early = self._given.take(self._reactor, self._connect)
        except (ConnectionResetError, HandlerError):  # with no descriptor left, the thread waits
            return
        self._early[:0] = early
        self._told.set_result(None)

    def _connect(self, pipe: Pipe) -> Receiver:
        self._pipe = pipe
        if not self._connected.done():
            self._connected.set_result(None)
        return self

    # Calls from the pipe.

    def received(self, data: bytes, /) -> None:
        """Keep bytes that came behind the head."""
        self._early += data
        if len(self._early) > _MAX_KEPT and self._pipe is not None:
            self._paused = True
            self._pipe.pause()

    def ended(self) -> None:
        """Note that the peer has left."""
        if self._pipe is not None:
            self._pipe.close()

    def drained(self) -> None:
        """Do nothing: nothing was sent."""

    def lost(self) -> None:
        """Cancel the application, whose answer nobody waits for."""
        self._gone = True
        self._pipe = None
        if self._task is not None:
            self._task.cancel()
