"""What a callback may return."""

# Annotations are values here, so that get_type_hints reads them under the name sock.Stop.
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from .close_code import MAX_DETAIL, CloseCode, may_travel
from .message import Message


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Stop:
    """Close the connection.

    Returned from any callback. The messages leave first, then the Close frame, all in one write;
    whatever the handler pushes later is dropped and counted.

    Args:
        code: what the peer is told; one that may travel (RFC 6455 §7.4.2). 1000 when left out, 1011
            with an error.
        detail: a text for the peer's developers, at most 123 bytes of UTF-8.
        messages: sent before the Close frame.
        error: why, for our own log and for `terminate`, which gets `Failed(error)`. Never sent to
            the peer.

    Raises:
        ValueError: the code may not travel, or the detail is too long or cannot be UTF-8.
        TypeError: the code is no int, the detail no str, or the error no exception.

    >>> Stop(CloseCode.GOING_AWAY, "see you")
    Stop(code=1001, detail='see you')

    RFC 6455 §5.5.1, §7.4.
    """

    code: int
    detail: str
    messages: Message | Sequence[Message]
    error: BaseException | None

    def __init__(
        self,
        code: int | None = None,
        detail: str = "",
        messages: Message | Sequence[Message] = (),
        error: BaseException | None = None,
    ) -> None:
        if code is None:
            code = CloseCode.NORMAL if error is None else CloseCode.INTERNAL_ERROR
        _check("code", code, int, "an int")
        _check("detail", detail, str, "a str")
        _check("error", error, BaseException | None, "an exception")
        if not may_travel(code):
            raise ValueError(f"close code {int(code)} may not travel (RFC 6455 §7.4.2)")
        size = len(detail.encode())
        if size > MAX_DETAIL:
            raise ValueError(f"a detail is at most 123 bytes, not {size} (RFC 6455 §5.5)")
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "detail", detail)
        object.__setattr__(self, "messages", messages)
        object.__setattr__(self, "error", error)

    def __repr__(self) -> str:
        shown = [f"code={int(self.code)}"]
        if self.detail:
            shown.append(f"detail={self.detail!r}")
        if self.messages != ():  # "" and b"" are messages
            shown.append(f"messages={self.messages!r}")
        if self.error is not None:
            shown.append(f"error={self.error!r}")
        return f"Stop({', '.join(shown)})"


@final
class Stream:
    """An async iterator that is pushed beside the mailbox.

    Returned from any callback, which thereby ends: the conversation goes on while the stream
    pushes. What it yields is interleaved with other messages, never inside one, and it waits while
    the peer cannot keep up. It is cancelled, and its `finally` runs, when the connection ends. It
    runs in one connection, once. An exception in it ends the connection like one in a callback.

    Args:
        iterator: yields messages, or a `Stop`.

    Raises:
        TypeError: it is no async iterator, such as a generator function that was not called.

    >>> async def count():
    ...     for number in range(3):
    ...         yield str(number)
    >>> stream = Stream(count())
    >>> stream.cancel()
    >>> stream.done
    True
    """

    __slots__ = ("_cancel", "_done", "_iterator")

    def __init__(self, iterator: AsyncIterator[Message | Stop], /) -> None:
        _check("iterator", iterator, AsyncIterator, "an async iterator")
        self._iterator: AsyncIterator[Message | Stop] | None = iterator
        self._cancel: Callable[[], None] | None = None
        self._done = False

    @property
    def done(self) -> bool:
        """Whether it has ended: exhausted, cancelled or failed."""
        return self._done

    def cancel(self) -> None:
        """End the stream: nothing more of it is pushed. Does nothing to one that is done."""
        if self._done:
            return
        self._done = True
        if self._cancel is not None:
            self._cancel()

    def begin(self) -> AsyncIterator[Message | Stop] | None:
        """Take the iterator, for the host that runs it; None when it was taken before."""
        iterator, self._iterator = self._iterator, None
        return iterator

    def attach(self, cancel: Callable[[], None], /) -> None:
        """Tell the stream how the host that runs it cancels it."""
        self._cancel = cancel

    def finish(self) -> None:
        """Mark the stream as ended, by the host that ran it."""
        self._done = True
        self._cancel = None


Result: TypeAlias = None | Message | Sequence[Message] | Stop | Stream
"""What a callback comes to: nothing, messages to push in order, the end, or a stream."""

Returned: TypeAlias = Result | Awaitable[Result] | AsyncIterator[Message | Stop]
"""What a callback may return: a result, a promise of one, or items pushed as they come."""


def _check(name: str, value: object, kind: Any, kind_in_words: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {kind_in_words}, not {value!r}")
