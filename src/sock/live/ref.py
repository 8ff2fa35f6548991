"""The address of a live connection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

from sock.loop.eager import Steps
from sock.spec import Prepared, Stop, Text
from sock.spec.message import MESSAGE_TYPES

from . import driver
from .lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from sock.engine.lifecycle import Lifecycle
    from sock.spec import Message, Ref, Request

    from .live import Live

InfoT = TypeVar("InfoT")
ResultT = TypeVar("ResultT")


def send_all(refs: Iterable[Ref[InfoT]], info: InfoT, /) -> None:
    """Send an info to many connections: the same as `ref.send(info)` for each, in one pass.

    An info that is a message is encoded once for all connections that push what is sent to them;
    a `handle_info` gets the info itself. From any thread. Like `send` it never runs a receiver and
    never blocks, and it is silent for those that are closed.

    It goes over `refs` as they are when it is called. A set that other threads change meanwhile
    cannot be read, by this or by anything: give it a copy that was made under their lock.

    Args:
        refs: the addresses, in any iterable.
        info: for each of them.
    """
    message: Any = info
    for ref in tuple(refs):
        if isinstance(ref, LiveRef):
            ours: LiveRef = ref
            life = ours.life
            if life is None:
                continue
            if message is info and life.pushes_infos:
                message = _prepared(info)
            ours.send(message if life.pushes_infos else info)
        else:  # a test's, say
            ref.send(info)


@final
class LiveRef:
    """A `Ref`. It outlives its connection, and is then all that is left of it.

    Args:
        link: the connection.
    """

    __slots__ = ("_lane", "_link", "_request", "life")

    def __init__(self, link: Live) -> None:
        self._link: Live | None = link
        self._lane = link if isinstance(link, Lane) else None
        self.life: Lifecycle | None = link.lifecycle
        """Takes what is sent; None when nothing is taken any more."""
        self._request = link.request

    @property
    def closed(self) -> bool:
        """Whether the end of the connection has begun."""
        return self.life is None or self.life.closed

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer; 0 when closed."""
        link = self._link
        return 0 if link is None or self.closed else link.pending

    @property
    def request(self) -> Request:
        """The request that was upgraded."""
        return self._request

    def send(self, info: Any, /) -> None:
        """Put an info into the connection's mailbox; from any thread."""
        link, life, lane = self._link, self.life, self._lane
        if life is None or link is None or (lane is not None and lane.offer(info)):
            return
        if link.reactor.in_loop_thread():
            life.post(info)
        else:
            link.post(info)

    def stop(
        self, code: int = 1000, detail: str = "", *, messages: Message | Sequence[Message] = ()
    ) -> None:
        """End the connection as a returned `Stop` does; from any thread."""
        stop = Stop(code, detail, _as_they_are_now(messages))
        link, life = self._link, self.life
        if life is None or link is None:
            return
        self.shut()
        if link.reactor.in_loop_thread():
            life.stop(stop)
        else:
            link.reactor.post(Stopping(life), stop)

    def send_after(self, seconds: float, info: Any, /) -> Later:
        """Send later; forgotten when the connection ends."""
        later = Later(self, info)
        link = self._link
        if link is not None:
            _check_thread(link, "send_after")
            if not self.closed:
                later.start(link, seconds)
        return later

    def spawn(self, coroutine: Coroutine[Any, Any, ResultT], /) -> asyncio.Task[ResultT]:
        """Run a coroutine as a task that is cancelled when the connection ends."""
        link = self._link
        try:
            _check_thread(link, "spawn")
        except RuntimeError:
            coroutine.close()  # nobody will: it would be said that it was never awaited
            raise
        loop = asyncio.get_running_loop()
        if link is None:
            task = loop.create_task(coroutine)
            task.cancel()
        else:
            task = loop.create_task(Steps(coroutine, link.own_scope()))
            driver.spawned(link, task)
        return task

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call back once, after `terminate`; soon, when the connection is over already."""
        link = self._link
        _check_thread(link, "add_done_callback")
        if link is None:
            asyncio.get_running_loop().call_soon(callback)
        else:
            link.add_done_callback(callback)

    def shut(self) -> None:
        """Take nothing more: the end has begun, or is about to in the loop's thread."""
        self._lane = None
        self.life = None

    def detach(self) -> None:
        """Let go of the connection, which is over."""
        self.shut()
        self._link = None

    def __repr__(self) -> str:
        return f"<Ref {'closed' if self.closed else 'live'} {self._request.target}>"


@final
class Stopping:
    """Who takes a `Stop` that another thread has asked for, in the loop's thread.

    Args:
        life: the life cycle to stop.
    """

    __slots__ = ("_life",)

    def __init__(self, life: Lifecycle) -> None:
        self._life = life

    def admit(self, stop: Stop, /) -> None:
        """Stop it."""
        self._life.stop(stop)


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


def _prepared(info: Any) -> Any:
    """Return a message in the form that is encoded once; anything else as it is."""
    try:
        if isinstance(info, str) and not info.isascii():
            info.encode()  # a lone surrogate is the sender's mistake, told for each connection
        if isinstance(info, (str, bytes)):
            return Prepared(info)
        if isinstance(info, Text):
            return Prepared(info.utf8.decode())
        if isinstance(info, (bytearray, memoryview)):
            return Prepared(bytes(cast("bytearray", info)))
    except ValueError:  # no UTF-8, or a view that was released: each connection says so by itself
        pass
    return cast("Any", info)


def _as_they_are_now(messages: object) -> list[Any]:
    """Return the messages of a Stop that is carried out later: what is in a buffer may change.

    Raises:
        TypeError: they are no messages.
    """
    given: Any = (messages,) if isinstance(messages, MESSAGE_TYPES) else messages
    if not isinstance(given, Sequence):
        raise TypeError(f"messages are a message or a sequence of them, not {given!r}")
    kept: list[Any] = list(cast("Sequence[Any]", given))
    for place, message in enumerate(kept):
        if not isinstance(message, MESSAGE_TYPES):
            raise TypeError(f"messages are messages, not {message!r}")
        if isinstance(message, (bytearray, memoryview)):
            kept[place] = bytes(cast("bytearray", message))
    return kept


def _check_thread(link: Live | None, name: str) -> None:
    """Refuse what is for the connection's own event loop in any other thread.

    A loop that is not running now is in no thread.

    Raises:
        RuntimeError: this is another thread.
    """
    if link is None or link.reactor.in_loop_thread() or not link.reactor.loop.is_running():
        return
    raise RuntimeError(
        f"Ref.{name} is for the connection's own event loop, and was called in another thread: "
        f"send an info from here, and call it in handle_info, "
        f"or use loop.call_soon_threadsafe"
    )
