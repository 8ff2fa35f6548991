"""Callbacks that block the event loop: each time is told, and in debug mode the place is named.

A plain callback, or a step of a coroutine between two awaits, that takes more than 100 ms holds up
every connection of the loop.

    event          when                     what it costs
    -------------  -----------------------  ------------------------------------------------------
    turn.slow      always, each time        nothing for a message: the turns have a clock anyway,
                                            and a step of a coroutine reads it twice
    callback.slow  in debug mode, once for  two looks at the clock for each callback
                   each place, so that the
                   log is not flooded
"""

from __future__ import annotations

import inspect
import time
import types
from typing import TYPE_CHECKING, Any, Final

from sock import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

SLOW: Final = 0.1  # seconds
SLOW_NANOSECONDS: Final = 100_000_000

_reported_places: set[str] = set()


def report_slow_turn(nanoseconds: int) -> None:
    """Tell of a turn, or of a step of a coroutine, if it has lasted too long."""
    seconds = nanoseconds / 1e9
    if seconds >= SLOW:
        telemetry.emit("turn.slow", seconds=seconds)


def report_if_slow(callback: Callable[[Any], Any], place: str) -> Callable[[Any], Any]:
    """Return a callback that calls the given one and reports it if that takes too long.

    Args:
        callback: the callback of a handler.
        place: its name, for the report.
    """

    def timed_callback(argument: Any) -> Any:
        begun = time.perf_counter()
        try:
            return callback(argument)
        finally:
            _report_if_slow(begun, place, callback)

    return timed_callback


async def report_slow_steps(coroutine: Coroutine[Any, Any, Any], place: str) -> Any:
    """Run a coroutine, and report it if one of its steps takes too long."""
    return await _steps(coroutine, place)


@types.coroutine
def _steps(coroutine: Coroutine[Any, Any, Any], place: str) -> Generator[Any, Any, Any]:
    resume: Callable[[], Any] = lambda: coroutine.send(None)  # noqa: E731 - replaced for each step
    while True:
        begun = time.perf_counter()
        try:
            waited_for = resume()
        except StopIteration as done:
            return done.value
        finally:
            _report_if_slow(begun, place, coroutine)
        try:
            value = yield waited_for
        except BaseException as error:  # noqa: BLE001 - the loop throws in a cancellation, say: passed on
            resume = _thrower(coroutine, error)
        else:
            resume = _sender(coroutine, value)


def _sender(coroutine: Coroutine[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: coroutine.send(value)


def _thrower(coroutine: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)


def _report_if_slow(begun: float, place: str, running: Any) -> None:
    seconds = time.perf_counter() - begun
    if seconds > SLOW and place not in _reported_places:
        _reported_places.add(place)
        telemetry.emit("callback.slow", seconds=seconds, place=place, where=_line_of(running))


def _line_of(running: Any) -> str:
    """Return the file and the first line of a callback or a coroutine; "?" if it has none."""
    code = getattr(running, "cr_code", None) or getattr(inspect.unwrap(running), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if isinstance(code, types.CodeType) else "?"
