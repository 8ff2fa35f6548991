"""Debug mode: name the callback that blocks the event loop.

A plain callback, or a step of a coroutine between two awaits, that takes more than 100 ms holds up
every connection of the loop. It is told once for each place, so that a hot one does not flood the
log.
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

_told: set[str] = set()


def watch(callback: Callable[[Any], Any], place: str) -> Callable[[Any], Any]:
    """Return the callback, watched."""

    def watched_callback(argument: Any) -> Any:
        begun = time.perf_counter()
        try:
            return callback(argument)
        finally:
            _look(begun, place, callback)

    return watched_callback


async def watched(coroutine: Coroutine[Any, Any, Any], place: str) -> Any:
    """Run a coroutine, each of its steps watched."""
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
            _look(begun, place, coroutine)
        try:
            value = yield waited_for
        except BaseException as error:  # noqa: BLE001 - thrown in by the loop, such as a cancellation: passed on
            resume = _thrower(coroutine, error)
        else:
            resume = _sender(coroutine, value)


def _sender(coroutine: Coroutine[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: coroutine.send(value)


def _thrower(coroutine: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)


def _look(begun: float, place: str, code: Any) -> None:
    seconds = time.perf_counter() - begun
    if seconds > SLOW and place not in _told:
        _told.add(place)
        telemetry.emit("callback.slow", seconds=seconds, place=place, where=_where(code))


def _where(running: Any) -> str:
    """Return the file and line of a callback or coroutine."""
    code = getattr(running, "cr_code", None) or getattr(inspect.unwrap(running), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if isinstance(code, types.CodeType) else "?"
