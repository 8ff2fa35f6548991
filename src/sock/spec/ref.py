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
        """Forget it. Does nothing after it has fired."""


class Ref(Protocol[InfoT_contra]):
    """The address of a connection: who holds it may send to its `handle_info`, or end it.

    `send`, `stop`, `closed`, `pending` and `request` work in any thread; all else is for the
    connection's own event loop, and raises RuntimeError in another thread.

    It is given to `init`, may be kept and passed on, and stays harmless after the connection has
    ended. Refs compare by identity and can be put into sets and dicts.
    """

    @property
    def closed(self) -> bool:
        """Whether the end of the connection has begun; what is sent to it is dropped in silence."""
        ...

    @property
    def request(self) -> Request:
        """The request that was upgraded."""
        ...

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer: queued, or not yet taken by the kernel; 0 when closed.

        For a sender that would rather leave something out than let it wait. A host that stands on
        another server may see only a part of it.
        """
        ...

    def send(self, info: InfoT_contra, /) -> None:
        """Put an info into the connection's mailbox.

        From any thread. It never runs the receiver, never blocks and never raises: what one sender
        sends arrives in the order sent, to a closed connection it is silent, and the mailbox's
        overflow (`max_mailbox`) closes the receiver with 1013.
        """

    def stop(
        self, code: int = 1000, detail: str = "", *, messages: Message | Sequence[Message] = ()
    ) -> None:
        """End the connection from outside, as a returned `Stop` does; `terminate` gets `Normal()`.

        It goes ahead of the mailbox, which is forgotten, and waits for nothing: a coroutine under
        way is cancelled, and so are generators and streams. A peer that does not read is cut after
        `close_timeout`. From any thread. It never blocks and never runs a callback of the receiver
        before it returns. To a connection whose end has begun it is silent, unless the peer is
        there and the code was not said yet, as in a drain: then it is this that ends it.

        Args:
            code: what the peer is told (RFC 6455 §7.4.2).
            detail: a text for the peer's developers; see `Stop`.
            messages: sent before the Close frame.

        Raises:
            ValueError: the code may not travel, or the detail cannot be UTF-8.
            TypeError: an argument is of another kind.

        RFC 6455 §5.5.1.
        """

    def send_after(self, seconds: float, info: InfoT_contra, /) -> Timer:
        """Send later; forgotten when the connection ends. From the connection's own event loop.

        Raises:
            RuntimeError: this is another thread.
        """
        ...

    def spawn(self, coroutine: Coroutine[Any, Any, ResultT], /) -> asyncio.Task[ResultT]:
        """Run a coroutine as a task that is cancelled when the connection ends, before `terminate`.

        An exception in it ends the connection like one in a callback, and so does a `Stop`. From
        the connection's own event loop.

        Raises:
            RuntimeError: this is another thread.
        """
        ...

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call back once, after `terminate`; soon, when the connection is over already.

        From the connection's own event loop.

        Raises:
            RuntimeError: this is another thread.
        """
