"""What a handler gives to be sent, on its way through a function that sees each message.

    what is given      what becomes of it
    -----------------  -------------------------------------------------------------------------
    a message          the function sees it now, and its answer is the result
    a sequence         the function sees each message now, in order
    a Stop             the function sees its messages now; a raised Stop is raised again
    a Stream           stays the same Stream; the function sees each message when it is yielded
    an awaitable       is awaited; then its result passes
    an async iterator  the function sees each message when it is yielded
    anything else      passes as it is: the host finds the breach, and names the handler

The function answers with a message (the same or another), with None to swallow it, or with a `Stop`
that ends the connection in its place.

A `Stop` may have an exception, whose traceback refers to the frames that were active when it was
raised. So such a frame forgets the Stop when it returns: the circle would keep the connection in
memory until the garbage collector runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final

from .errors import HandlerError
from .halt import messages_of, stop_in
from .message import MESSAGE_TYPES
from .result import Stop, Stream

if TYPE_CHECKING:
    from .message import Message

Outgoing: TypeAlias = "Callable[[Message], Message | Stop | None]"
"""Sees a message on its way to the peer, and says what is sent."""

_SWALLOWED_A_TURN: Final = 64
"""Items of an iterator that are swallowed in a row, before other connections get their turn."""


def pass_result(result: Any, outgoing: Outgoing) -> Any:
    """Return what is left of the result of a callback when its messages have been seen.

    Args:
        result: what the callback has returned.
        outgoing: sees each message.

    Raises:
        HandlerError: `outgoing` has returned what is neither a message, None nor a Stop.
        Exception: whatever `outgoing` raises.
    """
    if result is None:
        return None
    if isinstance(result, MESSAGE_TYPES):
        return check_passed(outgoing(cast("Message", result)), outgoing)
    if isinstance(result, (list, tuple, Sequence)):
        return _pass_messages(cast("Sequence[Any]", result), outgoing)
    if isinstance(result, Stop):
        return pass_stop(result, outgoing)
    if isinstance(result, Stream):
        stream = cast("Stream[Any]", result)
        stream.put_around(lambda iterator: PassedIterator(iterator, outgoing))
        return stream
    if isinstance(result, Awaitable):
        return _pass_awaited(cast("Awaitable[Any]", result), outgoing)
    if isinstance(result, AsyncIterator):
        return PassedIterator(cast("AsyncIterator[Any]", result), outgoing)
    return result


def check_passed(passed: Any, outgoing: Outgoing) -> Message | Stop | None:
    """Return what `outgoing` has returned for a message.

    Raises:
        HandlerError: it is neither a message, None nor a Stop.
    """
    if passed is None or isinstance(passed, (*MESSAGE_TYPES, Stop)):
        return cast("Message | Stop | None", passed)
    name = getattr(outgoing, "__qualname__", "outgoing")
    if isinstance(passed, Awaitable):
        unawaited = cast("Any", passed)
        if hasattr(unawaited, "close"):  # otherwise Python warns that nobody has awaited it
            unawaited.close()
        raise HandlerError(
            f"{name} returned an awaitable, and it may not be async: all that one callback returns"
            " leaves in one write"
        )
    raise HandlerError(
        f"{name} returned {type(passed).__name__!r}, which is neither a message, None nor a Stop"
    )


def pass_stop(stop: Stop, outgoing: Outgoing) -> Stop:
    """Return a Stop whose messages have been seen.

    If `outgoing` answers one of them with a Stop, that one takes the place of this. The error of
    this one stays: nothing else would report it.
    """
    messages = messages_of(stop)
    if not isinstance(messages, Sequence) or not messages:
        return stop
    passed = _pass_messages(cast("Sequence[Any]", messages), outgoing)
    try:
        if passed is messages:
            return stop  # the host finds the breach
        if not isinstance(passed, Stop):
            return Stop(stop.code, stop.detail, passed, stop.error)
        if stop.error is None or passed.error is not None:
            return passed
        return Stop(passed.code, passed.detail, passed.messages, stop.error)
    finally:
        del passed


def pass_raised(error: BaseException, outgoing: Outgoing) -> Stop | None:
    """Return the Stop that was raised, its messages seen; None if this is another exception."""
    stop = stop_in(error)
    return None if stop is None else pass_stop(stop, outgoing)


def _pass_messages(messages: Sequence[Any], outgoing: Outgoing) -> Sequence[Any] | Stop:
    given = tuple(messages)
    if not all(isinstance(message, MESSAGE_TYPES) for message in given):
        return messages  # the host finds the breach, and sends nothing of this
    passed: list[Message] = []
    one = None
    try:
        for message in given:
            one = check_passed(outgoing(message), outgoing)
            if isinstance(one, Stop):
                return _behind(passed, one)
            if one is not None:
                passed.append(one)
        return passed
    finally:
        del one


def _behind(messages: list[Message], stop: Stop) -> Stop:
    """Return a Stop with these messages before its own."""
    last: Any = messages_of(stop)
    if not isinstance(last, Sequence):
        return stop  # the host finds the breach
    return Stop(stop.code, stop.detail, [*messages, *cast("Sequence[Any]", last)], stop.error)


async def _pass_awaited(awaitable: Awaitable[Any], outgoing: Outgoing) -> Any:
    try:
        result = await awaitable
    except BaseException as error:
        stop = pass_raised(error, outgoing)
        if stop is None:
            raise
        raise stop from None
    try:
        return pass_result(result, outgoing)
    finally:
        del result


@final
class PassedIterator(AsyncIterator[Any]):
    """An async iterator whose messages are seen when they are yielded.

    It is closed as the iterator in it is, also where it has not begun.

    Args:
        iterator: of the handler.
        outgoing: sees each message.
    """

    __slots__ = ("_iterator", "_outgoing")

    def __init__(self, iterator: AsyncIterator[Any], outgoing: Outgoing) -> None:
        self._iterator = iterator
        self._outgoing = outgoing

    async def __anext__(self) -> Any:
        """Return the next item that is not swallowed."""
        item: Any = None
        passed: Any = None
        swallowed = 0
        try:
            while True:
                item = await self._next()
                passed = self._pass(item)
                if passed is not None or item is None:
                    return passed
                swallowed += 1
                if swallowed % _SWALLOWED_A_TURN == 0:
                    await _Turn()
        finally:
            del item, passed

    async def _next(self) -> Any:
        try:
            return await anext(self._iterator)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            stop = pass_raised(error, self._outgoing)
            if stop is None:
                raise
            raise stop from None

    def _pass(self, item: Any) -> Any:
        if isinstance(item, Stop):
            return pass_stop(item, self._outgoing)
        if isinstance(item, MESSAGE_TYPES):
            return check_passed(self._outgoing(cast("Message", item)), self._outgoing)
        return item  # the host finds the breach

    async def aclose(self) -> None:
        """Close the iterator, if it is a generator."""
        iterator: Any = self._iterator
        if isinstance(iterator, AsyncGenerator):
            await cast("AsyncGenerator[Any, Any]", iterator).aclose()


# A host closes generators, and leaves other iterators alone.
cast("Any", AsyncGenerator).register(PassedIterator)


@final
class _Turn:
    """Gives the event loop a turn when it is awaited, whatever event loop that is."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield
