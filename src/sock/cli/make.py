"""Call a factory and enter a lifespan: both are the user's code, and so are their tracebacks.

the factory is, or returns           the application is
-----------------------------------  -----------------------------------------------------
a function                           its result, before the event loop runs
a coroutine function, an awaitable   its result, awaited in the event loop
an async context manager, also as    the object that it yields; it is entered before the
the result of one of these           server accepts, and left after the drain
"""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn, final

from sock import Application
from sock.hosting.application import accepts_arguments
from sock.hosting.options import options_of_host
from sock.spec.application import lifespan_of
from sock.spec.lifespan import enter_lifespan

from .failure import CANNOT_START, NOT_THERE, fail, show_user_traceback
from .find import is_asgi, problem_of_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from sock import Options


def check_factory(factory: Any, target: str) -> None:
    """Refuse an object that cannot be a factory.

    Args:
        factory: the object that was found.
        target: its name.
    """
    if not callable(factory):
        fail(f"{target!r} is not a factory: it cannot be called.", NOT_THERE)
    if accepts_arguments(factory, 0) is False:
        fail(f"{target!r} is not a factory: it cannot be called without arguments.", NOT_THERE)
    if inspect.isasyncgenfunction(factory):
        fail(
            f"{target!r} is an async generator: it lacks the decorator"
            " contextlib.asynccontextmanager.",
            NOT_THERE,
        )


def make(factory: Any, target: str) -> Any:
    """Call a factory."""
    try:
        return factory()
    except Exception as error:  # noqa: BLE001 - it is the user's code: all that it raises is printed
        show_user_traceback(error)
        fail(f"{target!r} cannot make the application.", CANNOT_START)


def needs_event_loop(made: Any) -> bool:
    """Tell whether the result of a factory becomes an application in an event loop only."""
    return inspect.isawaitable(made) or _is_entered(made)


@asynccontextmanager
async def made_in_loop(made: Any, target: str, options: Options) -> AsyncGenerator[Any]:
    """Make the application in the event loop, and leave at the end whatever was entered for it.

    Args:
        made: the result of the factory.
        target: the name of the factory.
        options: the options of the command line.
    """
    problem = f"{target!r} cannot make the application"
    if inspect.isawaitable(made):
        try:
            made = await made
        except Exception as error:  # noqa: BLE001 - as above
            show_user_traceback(error)
            fail(f"{problem}.", CANNOT_START)
    if _is_entered(made):
        after_drain = f"{target!r} has raised after the drain"
        async with _Reported(made, problem, after_drain) as app:
            yield _checked(app, target, options)
    else:
        yield _checked(made, target, options)


def with_reported_lifespan(app: Any, target: str, options: Options) -> Any:
    """Return an application whose lifespan fails with one line and a traceback.

    Args:
        app: the application that was found or made.
        target: its name.
        options: the options of the command line.
    """
    try:
        options_of_host(app, options)
        lifespan = lifespan_of(app)
    except (TypeError, ValueError) as error:
        fail(f"{target!r} cannot be served: {error}.", NOT_THERE)
    if lifespan is None:
        return app
    problem = f"the lifespan of {target!r} has raised"

    def reported() -> Any:
        manager = enter_lifespan(lifespan)
        return _Reported(manager, f"{problem}: nothing was started", f"{problem} after the drain")

    return Application(app, lifespan=reported)


@final
class _Reported:
    """An async context manager of the user's. Its exception is printed and ends the process."""

    def __init__(
        self, manager: AbstractAsyncContextManager[Any], on_entering: str, on_leaving: str
    ) -> None:
        self._manager = manager
        self._on_entering = on_entering
        self._on_leaving = on_leaving

    async def __aenter__(self) -> Any:
        try:
            return await self._manager.__aenter__()
        except Exception as error:  # noqa: BLE001 - as above
            show_user_traceback(error)
            fail(f"{self._on_entering}.", CANNOT_START)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        try:
            return await self._manager.__aexit__(kind, error, trace)
        except Exception as own:
            if own is error:
                raise
            show_user_traceback(own)
            fail(f"{self._on_leaving}.", CANNOT_START)


def _is_entered(made: Any) -> bool:
    return hasattr(made, "__aenter__") and hasattr(made, "__aexit__") and not is_asgi(made)


def _checked(app: Any, target: str, options: Options) -> Any:
    if callable(app) and is_asgi(app):
        _fail_for_uvicorn(target)
    if (problem := problem_of_app(app)) is not None:
        fail(f"{target!r} is not an application: {problem}.", NOT_THERE)
    return with_reported_lifespan(app, target, options)


def _fail_for_uvicorn(target: str) -> NoReturn:
    fail(
        f"{target!r} makes an ASGI application asynchronously, which uvicorn cannot call: make it"
        " in a plain function, and open what it needs in its lifespan.",
        NOT_THERE,
    )
