"""The values that a callback may return."""

# Annotations are evaluated, so that get_type_hints reads them under the name sock.Stop.
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import FrozenInstanceError, dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, dataclass_transform, final

from .close_code import CloseCode, may_travel, shortened_detail
from .exact import exact_int, exact_text
from .message import Message

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    ItemT_co = TypeVar("ItemT_co", default=Message, covariant=True)
else:
    # Defaults of type parameters (PEP 696) are for the type checkers; at run time 3.13 has them.
    from typing import TypeVar

    ItemT_co = TypeVar("ItemT_co", covariant=True)


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

    A callback may return it, yield it or raise it. It may also be raised by a function that the
    callback calls, in a stream, or in a spawned task. A raised one is a result like a returned one,
    and not an error. The messages leave first, then the Close frame, all in one write. Messages
    that the handler pushes later are dropped and counted.

    It is a value: two with the same fields are equal, and its fields cannot be changed. One that
    was raised loses its traceback when the host takes it.

    Args:
        code: the close code for the peer, which a Close frame must be allowed to carry (RFC 6455
            §7.4.2). Without it, it is 1000, or 1011 where there is an error.
        detail: a text for the peer's developers. It is cut to 123 bytes of UTF-8, between two
            characters.
        messages: sent before the Close frame.
        error: the cause, for our own log and for `terminate`, which gets `Failed(error)`. It is
            never sent to the peer.

    Raises:
        ValueError: a Close frame may not carry the code, or UTF-8 cannot encode the detail.
        TypeError: the code is not an int, the detail not a str, or the error not an exception.

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
        detail = shortened_detail(detail)
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
        # Without the messages, which may be a list: code that handles exceptions may hash them.
        return hash((Stop, self.code, self.detail))

    def __reduce__(self) -> tuple[Any, ...]:
        # Copying and pickling use the args of an exception, which are not all of its fields.
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
class Stream(Generic[ItemT_co]):
    """An async iterator that is pushed beside the mailbox.

    Any callback may return one. The callback has then ended, and other messages are handled while
    the stream pushes. The messages of a stream may stand between other messages, never inside of
    one. The stream waits while the peer cannot keep up. When the connection ends, the stream is
    cancelled, and its `finally` runs. It runs in one connection, and once. An exception in it ends
    the connection as one in a callback does.

    Args:
        iterator: yields messages, or a `Stop`.

    Raises:
        TypeError: it is not an async iterator, but for instance a generator function that was not
            called.

    >>> async def count():
    ...     for number in range(3):
    ...         yield str(number)
    >>> stream = Stream(count())
    >>> stream.cancel()
    >>> stream.done
    True
    """

    __slots__ = ("_cancel", "_done", "_iterator")

    def __init__(self, iterator: AsyncIterator[ItemT_co | Stop], /) -> None:
        _check("iterator", iterator, AsyncIterator, "an async iterator")
        self._iterator: AsyncIterator[ItemT_co | Stop] | None = iterator
        self._cancel: Callable[[], None] | None = None
        self._done = False

    @property
    def done(self) -> bool:
        """Whether it has ended: exhausted, cancelled or failed."""
        return self._done

    def cancel(self) -> None:
        """End the stream: nothing more of it is pushed. Does nothing if it has ended already."""
        if self._done:
            return
        self._done = True
        if self._cancel is not None:
            self._cancel()

    def begin(self) -> AsyncIterator[ItemT_co | Stop] | None:
        """Return the iterator to the host that runs it; None if it was returned before."""
        iterator, self._iterator = self._iterator, None
        return iterator

    def put_around(
        self, around: Callable[[AsyncIterator[ItemT_co | Stop]], AsyncIterator[ItemT_co | Stop]], /
    ) -> None:
        """Replace the iterator by one that is around it, unless it has begun. For wrappers."""
        if self._iterator is not None:
            self._iterator = around(self._iterator)

    def attach(self, cancel: Callable[[], None], /) -> None:
        """Keep the function with which the host that runs the stream cancels it."""
        self._cancel = cancel

    def finish(self) -> None:
        """Note that the stream has ended; called by the host that ran it."""
        self._done = True
        self._cancel = None


Result: TypeAlias = None | Message | Sequence[Message] | Stop | Stream
"""The result of a callback: nothing, messages to push in order, the end, or a stream."""

Returned: TypeAlias = Result | Awaitable[Result] | AsyncIterator[Message | Stop]
"""What a callback may return: a result, an awaitable of one, or items pushed as they come."""


def _check(name: str, value: object, kind: Any, kind_in_words: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {kind_in_words}, not {value!r}")
