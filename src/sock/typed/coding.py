"""What a host calls in the place of a callback that takes and returns values.

    the callback gives      what the host gets
    ----------------------  ------------------------------------------------------------------
    None                    None: nothing is sent
    a value of the type     one text message
    Text, Prepared          the same: it is encoded already
    Ping, Pong              the same
    a list, a tuple         each of its items, unless the type is a list or a tuple itself
    a Stop                  a Stop with each of its messages encoded; a raised one is raised again
    a Stream                the same Stream; each value is encoded when it is yielded
    an awaitable            is awaited; then its result is encoded
    an async iterator       each value is encoded when it is yielded
    a raised ProtocolError  from handle_in: a Stop with its code and its text
    anything else           HandlerError, which names the callback and the type

A message of the peer that does not fit goes to `handle_invalid`, in the place of `handle_in`.

A `Stop` may have an exception, whose traceback refers to the frames that were active when it was
raised. So such a frame forgets the Stop when it returns, as in `sock.spec.passing`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from types import CoroutineType
from typing import Any, Final, cast, final

from sock.spec import HandlerError, Ping, Pong, Prepared, ProtocolError, Stop, Stream, Text
from sock.spec.halt import stop_in

from .around import around_handle_in
from .codec import Codec, invalid

ENCODED: Final = (Text, Prepared, Ping, Pong)
"""The messages that are encoded already."""


@final
class Coding:
    """The two codecs of one class of handlers, and how its callbacks are called.

    Args:
        owner: the name of the class, for errors.
        incoming: the type of the messages from the peer.
        outgoing: the type of the messages to the peer.

    Raises:
        Exception: as for `Codec`.
    """

    __slots__ = ("incoming", "outgoing", "owner")

    def __init__(self, owner: str, incoming: Any, outgoing: Any) -> None:
        self.owner = owner
        self.incoming: Codec[Any] = Codec(incoming)
        self.outgoing: Codec[Any] = Codec(outgoing)

    def around_handle_in(
        self, callback: Callable[[Any], Any], refused: Callable[[Any], Any]
    ) -> Callable[[str], Any]:
        """Return a function that takes JSON and returns JSON.

        Args:
            callback: takes a value.
            refused: takes the error of a message that does not fit.
        """
        instances = self.outgoing.instances
        # The type of most results, which needs no further look (bench, json-16).
        usual = instances[0] if len(instances) == 1 and instances[0] is not object else None
        return around_handle_in(
            callback,
            lambda error: refused(invalid(error)),
            self.incoming.raw_decode,
            self.outgoing.raw_write,
            usual,
            self.encoded,
            self.raised,
        )

    def around(self, callback: Callable[[Any], Any], place: str) -> Callable[[Any], Any]:
        """Return a function that calls another callback and encodes what it returns."""

        def call(argument: Any) -> Any:
            told: BaseException | None = None
            try:
                result = callback(argument)
            except BaseException as error:
                if (told := self.raised(error, None, place)) is error:
                    raise
                raise told from None
            else:
                return self.encoded(result, place)
            finally:
                result = told = None

        return call

    def encoded(self, result: Any, place: str) -> Any:
        """Return the result of a callback with its values encoded, by the table above.

        Args:
            result: what the callback has returned.
            place: the name of the callback, for errors.

        Raises:
            HandlerError: it is neither a value of the type nor a result.
        """
        if result is None or isinstance(result, ENCODED):
            return result
        if isinstance(result, Stop):
            return self.encoded_stop(result, place)
        if isinstance(result, Stream):
            stream = cast("Stream[Any]", result)
            stream.put_around(lambda iterator: _Encoded(iterator, self, place))
            return stream
        if type(result) is CoroutineType or isinstance(result, Awaitable):
            return self._later(cast("Awaitable[Any]", result), place)
        if isinstance(result, AsyncIterator):
            return _Encoded(cast("AsyncIterator[Any]", result), self, place)
        if isinstance(result, (list, tuple)) and not isinstance(result, self.outgoing.instances):
            several = cast("list[Any] | tuple[Any, ...]", result)
            return [self.encoded_value(one, place) for one in several]
        return self.encoded_value(result, place)

    def encoded_value(self, value: Any, place: str) -> Any:
        """Return one value as a text message; a message that is encoded already stays."""
        if isinstance(value, ENCODED):
            return value
        try:
            return self.outgoing.encode(value).decode()
        except TypeError as error:
            hint = "; Text(…) sends JSON that is encoded already" * isinstance(value, (str, bytes))
            raise HandlerError(
                f"{self.owner}.{place} sends what it should not: {error}{hint}"
            ) from (error.__cause__)

    def encoded_stop(self, stop: Stop, place: str) -> Stop:
        """Return a Stop with its messages encoded. A list or a tuple is always several."""
        messages: Any = stop.messages
        if isinstance(messages, (list, tuple)):
            several = cast("list[Any] | tuple[Any, ...]", messages)
            if not several:
                return stop
        else:
            several = (messages,)
        encoded = [self.encoded_value(one, place) for one in several]
        return Stop(stop.code, stop.detail, encoded, stop.error)

    def raised(self, error: BaseException, result: Any, place: str) -> BaseException:
        """Return what is raised in the place of an exception, by the table above."""
        if (stop := stop_in(error)) is not None:
            return self.encoded_stop(stop, place)
        if isinstance(error, ProtocolError) and place == "handle_in":
            # What the peer has sent is wrong, such as the JSON within a field of the message.
            return Stop(error.code, str(error), error=error)
        if result is not None and not isinstance(error, HandlerError):
            return _unencodable(error, f"{self.owner}.{place}", result)
        return error

    async def _later(self, awaitable: Awaitable[Any], place: str) -> Any:
        told: BaseException | None = None
        try:
            result = await awaitable
        except BaseException as error:
            if (told := self.raised(error, None, place)) is error:
                raise
            raise told from None
        else:
            return self.encoded(result, place)
        finally:
            result = told = None


def _unencodable(error: BaseException, place: str, value: Any) -> BaseException:
    """Return the error for a value of the right type with something in it that JSON cannot say."""
    if not isinstance(error, (TypeError, ValueError, OverflowError, RecursionError)):
        return error
    told = HandlerError(
        f"{place} sends what it should not: {type(value).__name__!r} cannot be written as JSON:"
        f" {error}"
    )
    told.__cause__ = error
    return told


@final
class _Encoded(AsyncIterator[Any]):
    """An async iterator whose values are encoded when they are yielded."""

    __slots__ = ("_coding", "_iterator", "_place")

    def __init__(self, iterator: AsyncIterator[Any], coding: Coding, place: str) -> None:
        self._iterator = iterator
        self._coding = coding
        self._place = place

    async def __anext__(self) -> Any:
        coding, place = self._coding, self._place
        item: Any = None
        told: BaseException | None = None
        try:
            item = await anext(self._iterator)
            if isinstance(item, Stop):
                return coding.encoded_stop(item, place)
            return coding.encoded_value(item, place)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            if (told := coding.raised(error, None, place)) is error:
                raise
            raise told from None
        finally:
            item = told = None

    async def aclose(self) -> None:
        """Close the iterator, if it is a generator."""
        iterator: Any = self._iterator
        if isinstance(iterator, AsyncGenerator):
            await cast("AsyncGenerator[Any, Any]", iterator).aclose()


# A host closes generators, and leaves other iterators alone.
cast("Any", AsyncGenerator).register(_Encoded)
