"""What `--factory` names, and a lifespan: code of the user's, whose failures are shown as his.

the factory is, or returns             the application is
-------------------------------------  -------------------------------------------------------
a function                             what it returns, before the event loop runs
a coroutine function, an awaitable     what is awaited, in the event loop
an async context manager, also from    what it yields; entered before the server accepts, left
one of these                           after the drain
"""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn, final

from sock import Application
from sock.hosting.application import accepts_arguments
from sock.hosting.lifespan import enter_lifespan
from sock.hosting.options import options_of_host
from sock.spec.application import lifespan_of

from .failure import CANNOT_START, NOT_THERE, fail, show_own
from .find import is_asgi, problem_of_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from sock import Options


def check_factory(factory: Any, target: str, *, called_here: bool) -> None:
    """Refuse what is no factory.

    Args:
        factory: that was found.
        target: its name.
        called_here: whether it is called in this process; elsewhere uvicorn calls it.
    """
    if not callable(factory):
        fail(f"{target!r} is no factory: it cannot be called.", NOT_THERE)
    if accepts_arguments(factory, 0) is False:
        fail(f"{target!r} is no factory: it cannot be called without arguments.", NOT_THERE)
    plain: Any = inspect.unwrap(factory)
    if inspect.isasyncgenfunction(factory):
        fail(
            f"{target!r} is an async generator: it lacks the decorator"
            " contextlib.asynccontextmanager.",
            NOT_THERE,
        )
    if not called_here and (
        inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain)
    ):
        _fail_for_uvicorn(target)


def make(factory: Any, target: str) -> Any:
    """Call a factory."""
    try:
        return factory()
    except Exception as error:  # noqa: BLE001 - it is the user's code: whatever it raises is shown
        show_own(error)
        fail(f"{target!r} cannot make the application.", CANNOT_START)


def is_unfinished(made: Any) -> bool:
    """Tell whether what a factory has returned comes to an application in an event loop only."""
    return inspect.isawaitable(made) or _is_entered(made)


@asynccontextmanager
async def finished(made: Any, target: str, options: Options) -> AsyncGenerator[Any]:
    """Come to the application in the event loop; what was entered for it is left at the end.

    Args:
        made: by the factory.
        target: its name.
        options: of the command line.
    """
    told = f"{target!r} cannot make the application"
    if inspect.isawaitable(made):
        try:
            made = await made
        except Exception as error:  # noqa: BLE001 - as above
            show_own(error)
            fail(f"{told}.", CANNOT_START)
    if _is_entered(made):
        left = f"{target!r} has raised after the drain"
        async with _Shown(made, told, left) as app:
            yield _checked(app, target, options)
    else:
        yield _checked(made, target, options)


def ready(app: Any, target: str, options: Options) -> Any:
    """Return an application as it is served: its lifespan shows what it raises.

    Args:
        app: that was found, or made.
        target: its name.
        options: of the command line.
    """
    try:
        options_of_host(app, options)
        lifespan = lifespan_of(app)
    except (TypeError, ValueError) as error:
        fail(f"{target!r} cannot be served: {error}.", NOT_THERE)
    if lifespan is None:
        return app
    told = f"the lifespan of {target!r} has raised"

    def shown() -> Any:
        return _Shown(
            enter_lifespan(lifespan), f"{told}: nothing was started", f"{told} after the drain"
        )

    return Application(app, lifespan=shown)


@final
class _Shown:
    """An async context manager of the user's. What it raises is shown, and ends the process."""

    def __init__(self, made: AbstractAsyncContextManager[Any], told: str, left: str) -> None:
        self._made = made
        self._told = told
        self._left = left

    async def __aenter__(self) -> Any:
        try:
            return await self._made.__aenter__()
        except Exception as error:  # noqa: BLE001 - as above
            show_own(error)
            fail(f"{self._told}.", CANNOT_START)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        try:
            return await self._made.__aexit__(kind, error, trace)
        except Exception as own:
            if own is error:
                raise
            show_own(own)
            fail(f"{self._left}.", CANNOT_START)


def _is_entered(made: Any) -> bool:
    return hasattr(made, "__aenter__") and hasattr(made, "__aexit__") and not is_asgi(made)


def _checked(app: Any, target: str, options: Options) -> Any:
    if callable(app) and is_asgi(app):
        _fail_for_uvicorn(target)
    if (problem := problem_of_app(app)) is not None:
        fail(f"{target!r} is no application: {problem}.", NOT_THERE)
    return ready(app, target, options)


def _fail_for_uvicorn(target: str) -> NoReturn:
    fail(
        f"{target!r} makes an ASGI application asynchronously, which uvicorn cannot call: make it"
        " in a plain function, and open what it needs in its lifespan.",
        NOT_THERE,
    )
