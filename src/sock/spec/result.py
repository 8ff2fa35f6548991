"""What a callback may return."""

# Annotations are values here, so that get_type_hints reads them under the name sock.Stop.
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import FrozenInstanceError, dataclass
from typing import Any, TypeAlias, dataclass_transform, final

from .close_code import CloseCode, fitting, may_travel
from .exact import exact_int, exact_text
from .message import Message


@dataclass_transform(frozen_default=True)
def _frozen_exception(kind: type) -> Any:
    """Make a class of exceptions a dataclass that type checkers take for a frozen one.

    A frozen dataclass lets nobody set an attribute. An exception has some that must be set:
    `contextlib` gives it back its `__traceback__`, `add_note` keeps `__notes__`.
    """
    decorate: Any = dataclass(init=False, repr=False)
    return decorate(kind)


@final
@_frozen_exception
class Stop(Exception):
    """Close the connection.

    Returned or yielded from any callback, or raised anywhere below one: in it, in its coroutine or
    generator, in a stream, in a spawned task. Raised it is a result like a returned one and no
    error. The messages leave first, then the Close frame, all in one write; whatever the handler
    pushes later is dropped and counted.

    It is a value: two with the same fields are equal. It is not changed after it was made; one that
    was raised loses its traceback when the host takes it.

    Args:
        code: what the peer is told; one that may travel (RFC 6455 §7.4.2). 1000 when left out, 1011
            with an error.
        detail: a text for the peer's developers; what is over 123 bytes of UTF-8 is cut off,
            between two characters.
        messages: sent before the Close frame.
        error: why, for our own log and for `terminate`, which gets `Failed(error)`. Never sent to
            the peer.

    Raises:
        ValueError: the code may not travel, or the detail cannot be UTF-8.
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
        if type(code) is not CloseCode:
            code = exact_int(code)
        detail = exact_text(detail)
        if not may_travel(code):
            raise ValueError(f"close code {int(code)} may not travel (RFC 6455 §7.4.2)")
        detail = fitting(detail)
        super().__init__(code, detail)
        vars(self).update(code=code, detail=detail, messages=messages, error=error)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("__"):
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if not name.startswith("__"):
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super().__delattr__(name)

    def __hash__(self) -> int:
        # Without the messages, which may be a list: whoever handles exceptions may hash them.
        return hash((Stop, self.code, self.detail))

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is copied and pickled by its args, which are not all of its fields.
        return Stop, (self.code, self.detail, self.messages, self.error)

    def __str__(self) -> str:
        return f"{int(self.code)} {self.detail}".rstrip()

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
