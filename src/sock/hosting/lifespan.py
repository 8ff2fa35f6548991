"""The lifespan of an application, entered and left by whatever host owns the process."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sock.spec.application import Lifespan


@asynccontextmanager
async def lived(lifespan: Lifespan | None) -> AsyncGenerator[dict[str, Any]]:
    """Enter a lifespan, and leave it in the same task.

    Args:
        lifespan: of the application; None for none.

    Yields:
        What is laid into the `state` of every request.

    Raises:
        TypeError: it returns no async context manager, or yields what is no mapping.
        Exception: whatever it raises.
    """
    if lifespan is None:
        yield {}
        return
    async with entered(lifespan(), "a lifespan") as state:
        if state is not None and not isinstance(state, Mapping):
            raise TypeError(
                "a lifespan yields a mapping, which is laid into the state of every request, or"
                f" nothing, not {state!r}"
            )
        yield dict(cast("Mapping[str, Any]", state or {}))


def entered(made: Any, what: str) -> Any:
    """Return an async context manager as it is.

    Args:
        made: by the user's callable.
        what: the callable is, for the error.

    Raises:
        TypeError: it is none.
    """
    if hasattr(made, "__aenter__") and hasattr(made, "__aexit__"):
        return made
    hint = ""
    if hasattr(made, "__anext__") or hasattr(made, "__await__"):
        hint = ": it lacks the decorator contextlib.asynccontextmanager"
        close = getattr(made, "close", None)
        if close is not None:  # a coroutine, which would complain that nobody has awaited it
            close()
    raise TypeError(f"{what} returns an async context manager, not {type(made).__name__!r}{hint}")
