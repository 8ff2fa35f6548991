"""What a host calls in the place of `handle_in` of a class with values; compiled, for its speed.

What does not happen for each message is in `coding`, which begins with the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_SPARE: Final = 65536
"""Bytes of memory that is kept for the next value."""

_spare: Final[list[bytearray]] = []


def around_handle_in(
    callback: Callable[[Any], Any],
    refused: Callable[[Exception], Any],
    decode: Callable[[str], Any],
    write: Callable[[Any, bytearray], None],
    usual: type | None,
    encoded: Callable[[Any, str], Any],
    raised: Callable[[BaseException, Any, str], BaseException],
) -> Callable[[str], Any]:
    """Return a function that takes JSON and returns JSON.

    Args:
        callback: takes a value.
        refused: takes what `decode` has raised.
        decode: makes a value of JSON.
        write: writes a value as JSON, in the place of what is in the buffer.
        usual: the class of most results, which `write` takes without a further look.
        encoded: makes what is sent of any other result.
        raised: makes what is raised of an exception.
    """

    def handle_in(text: str) -> Any:
        result: Any = None
        told: BaseException | None = None
        message: Any = None
        try:
            try:
                message = decode(text)
            except (ValueError, RecursionError) as error:
                result = refused(error)
            else:
                result = callback(message)
            if result is None:
                return None
            if type(result) is usual:
                return text_of(write, result)
            return encoded(result, "handle_in")
        except BaseException as error:
            told = raised(error, result, "handle_in")
            if told is error:
                raise
            raise told from told.__cause__
        finally:
            result = told = message = None

    return handle_in


def text_of(write: Callable[[Any, bytearray], None], value: Any) -> str:
    """Return a value as JSON. Memory is used again: to ask for some takes a third of the time."""
    try:
        buffer = _spare.pop()
    except IndexError:  # `write` has called a method of the value, or there is another thread
        buffer = bytearray()
    write(value, buffer)
    text = decoded(buffer)
    if len(buffer) <= _MAX_SPARE:
        _spare.append(buffer)
    return text


def decoded(utf8: bytearray) -> str:
    """Return the text that bytes are. Compiled, it is no call."""
    return utf8.decode("utf-8")
