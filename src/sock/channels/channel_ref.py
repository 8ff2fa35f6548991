"""The address of a channel, and what travels to a channel through the mailbox of its connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sock.spec import Ref, Request, Timer

    from .port import Port

ResultT = TypeVar("ResultT")


@final
class ToChannel:
    """An info on its way to a channel.

    Args:
        port: the lane of the channel.
        channel: is to get it.
        info: what was sent.
    """

    __slots__ = ("channel", "info", "port")

    def __init__(self, port: Port, channel: Any, info: Any) -> None:
        self.port = port
        self.channel = channel
        self.info = info


@final
class StopChannel:
    """Ends a channel, in the place of an info.

    Args:
        error: why, if something has gone wrong.
    """

    __slots__ = ("error",)

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


@final
class ChannelRef:
    """The address of a channel: its holder may send infos to the channel, or end it.

    It does what the `Ref` of a connection does, for one channel: a `PubSub` takes it to listen to
    other topics. `send` and `stop` may be called in any thread.

    Args:
        port: the lane of the channel.
        channel: has this address.
    """

    __slots__ = ("_callbacks", "_channel", "_over", "_port", "_tasks", "_timers", "_topic")

    def __init__(self, port: Port, channel: Any) -> None:
        self._port = port
        self._channel = channel
        self._topic: str = channel.topic
        self._over = False
        self._callbacks: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: set[ChannelTimer] = set()

    @property
    def closed(self) -> bool:
        """Whether the channel has ended, or its connection."""
        return self._over or self._port.ref.closed

    @property
    def connection(self) -> Ref[Any]:
        """The address of its connection."""
        return self._port.ref

    @property
    def request(self) -> Request:
        """The request of the connection."""
        return self._port.ref.request

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer of the connection."""
        return self._port.ref.pending

    def send(self, info: Any, /) -> None:
        """Have `handle_info` of the channel called. An info for a channel that ended is dropped."""
        if not self._over:
            self._port.ref.send(ToChannel(self._port, self._channel, info))

    def stop(self, code: int = 1000, detail: str = "", *, messages: Any = ()) -> None:  # noqa: ARG002 - of a connection
        """End the channel, and not its connection: the client is told that it is closed.

        The arguments are those of the `Ref` of a connection, and mean nothing here.
        """
        self.send(StopChannel())

    def send_after(self, seconds: float, info: Any, /) -> Timer:
        """Send an info later, unless the channel ends before."""
        timer = ChannelTimer(self, info)
        if not self._over:
            timer.start(seconds)
            self._timers.add(timer)
        return timer

    def spawn(self, coroutine: Coroutine[Any, Any, ResultT], /) -> asyncio.Task[ResultT]:
        """Run a coroutine as a task that is cancelled when the channel ends, before `terminate`.

        An exception in it ends the channel as one in a callback does.
        """
        task = asyncio.get_running_loop().create_task(coroutine)
        if self._over:
            task.cancel()
        else:
            self._tasks.add(task)
            task.add_done_callback(self._note_task)
        return task

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call a function once, when the channel has ended; soon, if it has ended already."""
        if self._over:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._callbacks.append(callback)

    def release(self) -> None:
        """Cancel what was spawned, and forget what is timed: the channel ends. For the lane."""
        self._over = True
        self._channel = None  # the two know each other, and both shall be freed at once
        for task in self._tasks:
            task.cancel()
        for timer in tuple(self._timers):
            timer.cancel()
        self._tasks.clear()

    def call_back(self) -> None:
        """Call those that have asked for it: the channel has ended. For the lane."""
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def forget(self, timer: ChannelTimer) -> None:
        """Forget a timer that has fired, or was cancelled."""
        self._timers.discard(timer)

    def _note_task(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.send(StopChannel(error))

    def __repr__(self) -> str:
        return f"<ChannelRef {'closed' if self.closed else 'live'} {self._topic!r}>"


@final
class ChannelTimer:
    """The `Timer` of a `ChannelRef.send_after`.

    Args:
        ref: the info is sent to it.
        info: is sent when the time has come.
    """

    __slots__ = ("_handle", "_info", "_ref")

    def __init__(self, ref: ChannelRef, info: Any) -> None:
        self._ref = ref
        self._info = info
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float) -> None:
        """Begin to wait."""
        self._handle = asyncio.get_running_loop().call_later(seconds, self._send)

    def cancel(self) -> None:
        """Do not send the info. Without effect when it was sent already."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._ref.forget(self)

    def _send(self) -> None:
        self.cancel()
        self._ref.send(self._info)
