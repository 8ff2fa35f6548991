"""The address of a live connection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

from sock.engine import encoded_size
from sock.loop.eager import Steps
from sock.spec import Prepared, Stop, Text
from sock.spec.message import MESSAGE_TYPES, Whole

from . import driver
from .infos_from_threads import OVERFLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from sock.engine.lifecycle import Lifecycle
    from sock.loop.reactor import Reactor
    from sock.spec import Message, Ref, Request

    from .live_connection import LiveConnection

InfoT = TypeVar("InfoT")
ResultT = TypeVar("ResultT")


def send_all(refs: Iterable[Ref[InfoT]], info: InfoT, /) -> None:
    """Send an info to many connections: the same as `ref.send(info)` for each, in one pass.

    An info that is a message is encoded once for all connections that push it as it is; a handler
    with a `handle_info` gets the info itself. It may be called in any thread. Like `Ref.send` it
    never runs a receiver and never blocks, and it ignores connections that are closed.

    It reads `refs` once, when it is called. If other threads change that collection, pass a copy
    that was made under their lock.

    Args:
        refs: the addresses, in any iterable.
        info: is sent to each of them.
    """
    _send_each(refs, info, None)


def push_all(refs: Iterable[Ref[Any]], message: Prepared, /) -> None:
    """Push a message to the peers of many connections, in one pass; no `handle_info` sees it.

    It goes behind everything that waits for a connection, and is bounded as an info is. It may be
    called in any thread, and ignores connections that are closed. For `sock.pubsub`.

    Args:
        refs: the addresses, which are read once.
        message: is encoded once for all of them.
    """
    _send_each(refs, Whole(message), message)


def _send_each(refs: Iterable[Ref[Any]], info: Any, message: Any) -> None:
    """Send an info to many connections. What many have in common is found out once.

    Args:
        refs: the addresses, which are read once.
        info: for connections that do not push it as it is.
        message: for those that do; None to make it of the info.
    """
    # The one whose loop runs in this thread: nearly always, all connections have it.
    inside: Reactor | None = None
    entered = False
    try:
        for ref in tuple(refs):
            if not isinstance(ref, LiveRef):  # such as one of a test
                ref.send(info.message if type(info) is Whole else info)
                continue
            ours: LiveRef = ref
            life, connection = ours.lifecycle, ours.connection
            if life is None or connection is None:
                continue
            if message is None and life.pushes_infos:
                message = _prepared(info)
            given = message if life.pushes_infos else info
            reactor = connection.reactor
            if inside is None and reactor.in_loop_thread():
                inside = reactor
                if not inside.thread:  # outside of its turns it would ask for each connection
                    inside.thread = get_ident()
                    entered = True
            if reactor is not inside:
                ours.send(given)
            elif not connection.offer(given):
                life.post(given)
    finally:
        if entered and inside is not None:
            inside.thread = 0


@final
class LiveRef:
    """The `Ref` of a live connection. It may be kept after the connection has ended.

    A ref that is closed takes nothing more. When the connection is over, the ref no longer knows
    it, so that the connection is freed.

    Args:
        connection: receives everything that is sent to this address.
    """

    __slots__ = ("_request", "connection", "lifecycle")

    def __init__(self, connection: LiveConnection) -> None:
        self.connection: LiveConnection | None = connection
        """The connection; None when it is over."""
        self.lifecycle: Lifecycle | None = connection.lifecycle
        """The life cycle of the connection; None when the ref takes nothing more."""
        self._request = connection.request

    @property
    def closed(self) -> bool:
        """Whether the end of the connection has begun."""
        return self.lifecycle is None or self.lifecycle.closed

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer; 0 when the ref is closed."""
        connection = self.connection
        return 0 if connection is None or self.closed else connection.pending

    @property
    def request(self) -> Request:
        """The request that was upgraded."""
        return self._request

    def send(self, info: Any, /) -> None:
        """Put an info into the mailbox of the connection. May be called in any thread."""
        connection, life = self.connection, self.lifecycle
        if life is None or connection is None or connection.offer(info):
            return
        if connection.reactor.in_loop_thread():
            life.post(info)
            return
        if not connection.count_info():
            self.close()
            info = OVERFLOW
        connection.reactor.post(connection, info)

    def stop(
        self, code: int = 1000, detail: str = "", *, messages: Message | Sequence[Message] = ()
    ) -> None:
        """End the connection as a returned `Stop` does. May be called in any thread."""
        stop = Stop(code, detail, _copies(messages))
        connection, life = self.connection, self.lifecycle
        if life is None or connection is None:
            return
        self.close()
        if connection.reactor.in_loop_thread():
            life.stop(stop)
        else:
            connection.reactor.post(StopReceiver(life), stop)

    def send_after(self, seconds: float, info: Any, /) -> DelayedSend:
        """Send an info after so many seconds, unless the connection ends before."""
        delayed = DelayedSend(self, info)
        connection = self.connection
        if connection is not None:
            _check_thread(connection, "send_after")
            if not self.closed:
                delayed.start(connection, seconds)
        return delayed

    def spawn(self, coroutine: Coroutine[Any, Any, ResultT], /) -> asyncio.Task[ResultT]:
        """Run a coroutine as a task that is cancelled when the connection ends."""
        connection = self.connection
        try:
            _check_thread(connection, "spawn")
        except RuntimeError:
            coroutine.close()  # otherwise Python warns that it was never awaited
            raise
        loop = asyncio.get_running_loop()
        if connection is None:
            task = loop.create_task(coroutine)
            task.cancel()
        else:
            task = loop.create_task(Steps(coroutine, connection.own_scope()))
            driver.follow_spawned(connection, task)
        return task

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call `callback` once, after `terminate`; soon, if the connection is over already."""
        connection = self.connection
        _check_thread(connection, "add_done_callback")
        if connection is None:
            asyncio.get_running_loop().call_soon(callback)
        else:
            connection.add_done_callback(callback)

    def close(self) -> None:
        """Take nothing more: the end has begun, or is about to begin in the loop's thread."""
        self.lifecycle = None

    def drop_connection(self) -> None:
        """Close, and no longer know the connection: it is over."""
        self.close()
        self.connection = None

    def __repr__(self) -> str:
        return f"<Ref {'closed' if self.closed else 'live'} {self._request.target}>"


@final
class StopReceiver:
    """Receives a `Stop` from another thread, and hands it to the life cycle.

    Args:
        life: the life cycle that is to be stopped.
    """

    __slots__ = ("_life",)

    def __init__(self, life: Lifecycle) -> None:
        self._life = life

    def admit(self, stop: Stop, /) -> None:
        """Stop the life cycle. Called in the thread of the event loop."""
        self._life.stop(stop)


@final
class DelayedSend:
    """The `Timer` of a `Ref.send_after`.

    Args:
        ref: the info is sent to it.
        info: is sent when the time has come.
    """

    __slots__ = ("_connection", "_handle", "_info", "_ref")

    def __init__(self, ref: LiveRef, info: Any) -> None:
        self._ref = ref
        self._info = info
        self._connection: LiveConnection | None = None
        self._handle: asyncio.TimerHandle | None = None

    def start(self, connection: LiveConnection, seconds: float) -> None:
        """Begin to wait. The connection cancels the timer when it ends."""
        self._connection = connection
        connection.timers.add(self)
        self._handle = connection.reactor.loop.call_later(seconds, self._send)

    def cancel(self) -> None:
        """Do not send the info. Without effect when it was sent already."""
        if self._handle is not None and self._connection is not None:
            self._handle.cancel()
            self._connection.timers.discard(self)
            self._handle = self._connection = self._info = None

    def _send(self) -> None:
        info = self._info
        self.cancel()
        self._ref.send(info)


def _prepared(info: Any) -> Any:
    """Return a message in the form that is encoded only once; any other info as it is."""
    try:
        if isinstance(info, str) and not info.isascii():
            info.encode()  # a lone surrogate is the sender's mistake: each connection reports it
        if isinstance(info, (str, bytes)):
            return Prepared(info)
        if isinstance(info, Text):
            return Prepared(info.utf8.decode())
        if isinstance(info, (bytearray, memoryview)):
            return Prepared(bytes(cast("bytearray", info)))
    except ValueError:  # not UTF-8, or a released view: each connection reports it by itself
        pass
    return cast("Any", info)


def _copies(messages: object) -> list[Any]:
    """Return the messages of a Stop that is carried out later, with copies of all buffers.

    Raises:
        TypeError: they are no messages.
        ValueError: one of them cannot be encoded, such as a text with a lone surrogate.
    """
    given: Any = (messages,) if isinstance(messages, MESSAGE_TYPES) else messages
    if not isinstance(given, Sequence):
        raise TypeError(
            f"messages must be a message or a sequence of messages, not {given!r}{_hint(given)}"
        )
    kept: list[Any] = list(cast("Sequence[Any]", given))
    for place, message in enumerate(kept):
        if not isinstance(message, MESSAGE_TYPES):
            raise TypeError(f"messages must contain messages only, not {message!r}{_hint(message)}")
        if isinstance(message, (bytearray, memoryview)):
            kept[place] = bytes(cast("bytearray", message))
        else:
            encoded_size(message)  # raises for a text that has no form in UTF-8
    return kept


def _hint(given: object) -> str:
    """Return what to do about a value, which only its class of handlers can encode."""
    return "" if given is None else "; a JsonSock encodes a value: messages=Chat.encode(value)"


def _check_thread(connection: LiveConnection | None, name: str) -> None:
    """Refuse a call that is only for the thread of the connection's own event loop.

    An event loop that is not running has no thread, so nothing is refused then.

    Raises:
        RuntimeError: this is another thread.
    """
    if (
        connection is None
        or connection.reactor.in_loop_thread()
        or not connection.reactor.loop.is_running()
    ):
        return
    raise RuntimeError(
        f"Ref.{name} may only be called in the thread of the connection's event loop, and this "
        f"is another thread: send an info from here and call Ref.{name} in handle_info, or use "
        f"loop.call_soon_threadsafe"
    )
