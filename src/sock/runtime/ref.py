"""The address of a live connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, final

from .eager import Steps
from .lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sock.engine.lifecycle import Lifecycle
    from sock.spec import Request

    from .live import Live

ResultT = TypeVar("ResultT")


@final
class LiveRef:
    """A `Ref`. It outlives its connection, and is then all that is left of it.

    Args:
        link: the connection.
    """

    __slots__ = ("_lane", "_lifecycle", "_link", "_request")

    def __init__(self, link: Live) -> None:
        self._link: Live | None = link
        self._lane = link if isinstance(link, Lane) else None
        self._lifecycle: Lifecycle | None = link.lifecycle
        self._request = link.request

    @property
    def closed(self) -> bool:
        """Whether the end of the connection has begun."""
        return self._link is None or self._link.lifecycle.closed

    @property
    def request(self) -> Request:
        """The request that was upgraded."""
        return self._request

    def send(self, info: Any, /) -> None:
        """Put an info into the connection's mailbox; from any thread."""
        link, life, lane = self._link, self._lifecycle, self._lane
        if life is None or link is None or (lane is not None and lane.offer(info)):
            return
        if link.reactor.here():
            life.post(info)
        else:
            link.post(info)

    def send_after(self, seconds: float, info: Any, /) -> Later:
        """Send later; forgotten when the connection ends."""
        later = Later(self, info)
        if self._link is not None and not self.closed:
            later.start(self._link, seconds)
        return later

    def spawn(self, coroutine: Coroutine[Any, Any, ResultT], /) -> asyncio.Task[ResultT]:
        """Run a coroutine as a task that is cancelled when the connection ends."""
        link, loop = self._link, asyncio.get_running_loop()
        if link is None:
            task = loop.create_task(coroutine)
            task.cancel()
        else:
            task = loop.create_task(Steps(coroutine, link.own()))
            link.spawned(task)
        return task

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call back once, after `terminate`; soon, when the connection is over already."""
        if self._link is None:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._link.add_done_callback(callback)

    def detach(self) -> None:
        """Let go of the connection, which is over."""
        self._link = None
        self._lane = None
        self._lifecycle = None

    def __repr__(self) -> str:
        return f"<Ref {'closed' if self.closed else 'live'} {self._request.target}>"


@final
class Later:
    """A `Timer`: a pending `send_after`."""

    __slots__ = ("_handle", "_info", "_link", "_ref")

    def __init__(self, ref: LiveRef, info: Any) -> None:
        self._ref = ref
        self._info = info
        self._link: Live | None = None
        self._handle: asyncio.TimerHandle | None = None

    def start(self, link: Live, seconds: float) -> None:
        """Arm the timer, which the connection keeps so as to forget it in time."""
        self._link = link
        link.timers.add(self)
        self._handle = link.reactor.loop.call_later(seconds, self._fire)

    def cancel(self) -> None:
        """Forget it. Does nothing after it has fired."""
        if self._handle is not None and self._link is not None:
            self._handle.cancel()
            self._link.timers.discard(self)
            self._handle = self._link = self._info = None

    def _fire(self) -> None:
        info = self._info
        self.cancel()
        self._ref.send(info)
