"""The address of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from .request import Request

InfoT_contra = TypeVar("InfoT_contra", contravariant=True)
ResultT = TypeVar("ResultT")


class Timer(Protocol):
    """A pending `Ref.send_after`."""

    def cancel(self) -> None:
        """Forget it. Does nothing after it has fired."""


class Ref(Protocol[InfoT_contra]):
    """The address of a connection: who holds it may send to its `handle_info`, from any thread.

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

    def send(self, info: InfoT_contra, /) -> None:
        """Put an info into the connection's mailbox.

        From any thread. It never runs the receiver, never blocks and never raises: what one sender
        sends arrives in the order sent, to a closed connection it is silent, and the mailbox's
        overflow (`max_mailbox`) closes the receiver with 1013.
        """

    def send_after(self, seconds: float, info: InfoT_contra, /) -> Timer:
        """Send later; forgotten when the connection ends. From the connection's own event loop."""
        ...

    def spawn(self, coroutine: Coroutine[Any, Any, ResultT], /) -> asyncio.Task[ResultT]:
        """Run a coroutine as a task that is cancelled when the connection ends, before `terminate`.

        An exception in it ends the connection like one in a callback. From the connection's own
        event loop.
        """
        ...

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call back once, after `terminate`; soon, when the connection is over already."""
