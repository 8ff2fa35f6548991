"""What a host calls in the place of `handle_in` of a class with values; compiled, for its speed.

What does not happen for each message is in `coding`, which begins with the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_SPARE: Final = 65536
"""Bytes of memory that is kept for the next value."""

# Memory for the next values: the last one is taken, and comes back. Several are taken where `write`
# calls a method that writes another value, or in several threads. The list stays long enough that
# Python never takes its memory away (bench, json-16).
_spare: Final[list[bytearray | None]] = [None] * 8


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
    except IndexError:  # very many values are written at once
        buffer = None
    if buffer is None:
        buffer = bytearray()
    try:
        write(value, buffer)
        return decoded(buffer)
    finally:
        _spare.append(buffer if len(buffer) <= _MAX_SPARE else None)


def decoded(utf8: bytearray) -> str:
    """Return the text that bytes are. Compiled, it is no call."""
    return utf8.decode("utf-8")
