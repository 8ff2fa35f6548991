"""The address of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence

    from .message import Message
    from .request import Request

InfoT_contra = TypeVar("InfoT_contra", contravariant=True)
ResultT = TypeVar("ResultT")


class Timer(Protocol):
    """A pending `Ref.send_after`."""

    def cancel(self) -> None:
        """Forget the info. Does nothing after it was sent."""


class Ref(Protocol[InfoT_contra]):
    """The address of a connection: its holder may send infos to the connection, or end it.

    `send`, `stop`, `closed`, `pending` and `request` work in any thread. All other methods are for
    the thread of the connection's own event loop, and raise RuntimeError in another thread.

    `init` gets it. It may be kept and passed on, and does no harm after the connection has ended.
    Refs compare by identity, and can be put into sets and dicts.
    """

    @property
    def closed(self) -> bool:
        """Whether the end of the connection has begun; infos for it are then dropped in silence."""
        ...

    @property
    def request(self) -> Request:
        """The request that was upgraded."""
        ...

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer: queued, or not yet taken by the kernel; 0 when closed.

        It is meant for a sender that would rather leave out a message than let it wait. Where Sock
        runs on another server, it may see only a part of these bytes.
        """
        ...

    def send(self, info: InfoT_contra, /) -> None:
        """Put an info into the connection's mailbox.

        It may be called from any thread. It never calls the receiver, never blocks and never
        raises. The infos of one sender arrive in the order in which they were sent. An info for a
        closed connection is dropped. One more info than `max_mailbox` closes the receiver with
        1013.
        """

    def stop(
        self, code: int = 1000, detail: str = "", *, messages: Message | Sequence[Message] = ()
    ) -> None:
        """End the connection from outside, as a returned `Stop` does; `terminate` gets `Normal()`.

        It takes effect before anything that waits in the mailbox, which is emptied. A coroutine
        under way is cancelled, and so are generators and streams. A peer that does not read is cut
        off after `close_timeout`. It may be called from any thread, never blocks, and never calls a
        callback of the receiver before it returns. It does nothing to a connection whose end has
        begun, unless the peer is there and no Close frame was sent yet, as in a drain: it then
        decides with which code the connection ends.

        Args:
            code: the close code for the peer (RFC 6455 §7.4.2).
            detail: a text for the peer's developers; see `Stop`.
            messages: sent before the Close frame.

        Raises:
            ValueError: the code may not travel, or the detail or a message cannot be UTF-8.
            TypeError: an argument has the wrong type.

        RFC 6455 §5.5.1.
        """

    def send_after(self, seconds: float, info: InfoT_contra, /) -> Timer:
        """Send an info later, unless the connection ends before. From its own event loop only.

        Raises:
            RuntimeError: this is another thread.
        """
        ...

    def spawn(self, coroutine: Coroutine[Any, Any, ResultT], /) -> asyncio.Task[ResultT]:
        """Run a coroutine as a task that is cancelled when the connection ends, before `terminate`.

        An exception in it ends the connection as one in a callback does, and so does a `Stop`. From
        the connection's own event loop only.

        Raises:
            RuntimeError: this is another thread.
        """
        ...

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call a function once, after `terminate`, or soon if the connection is over already.

        From the connection's own event loop only.

        Raises:
            RuntimeError: this is another thread.
        """
