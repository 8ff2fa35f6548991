"""The lifespan of an application: entered and left by a host, and one for several applications."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from .application import Lifespan


@asynccontextmanager
async def enter_lifespan(lifespan: Lifespan | None) -> AsyncGenerator[dict[str, Any]]:
    """Enter a lifespan, and leave it in the same task.

    Args:
        lifespan: the application's; None for none.

    Yields:
        The items that are laid into the `state` of every request.

    Raises:
        TypeError: the lifespan returns no async context manager, or it yields neither a mapping nor
            None.
        Exception: whatever the lifespan raises.
    """
    if lifespan is None:
        yield {}
        return
    async with check_context_manager(lifespan(), "a lifespan") as state:
        if state is not None and not isinstance(state, Mapping):
            raise TypeError(
                "a lifespan yields None, or a mapping that is laid into the state of every request;"
                f" this one has yielded {state!r}"
            )
        yield dict(cast("Mapping[str, Any]", state or {}))


def check_context_manager(made: Any, caller: str) -> Any:
    """Return an async context manager as it is.

    Args:
        made: what a callable of the user's has returned.
        caller: what that callable is called in the error.

    Raises:
        TypeError: it is no async context manager.
    """
    if hasattr(made, "__aenter__") and hasattr(made, "__aexit__"):
        return made
    hint = ""
    if hasattr(made, "__anext__") or hasattr(made, "__await__"):
        hint = ": it lacks the decorator contextlib.asynccontextmanager"
        close = getattr(made, "close", None)
        if close is not None:  # Python would warn of a coroutine that was never awaited
            close()
    raise TypeError(f"{caller} returns an async context manager, not {type(made).__name__!r}{hint}")


def joined(lifespans: Iterable[Lifespan | None]) -> Lifespan | None:
    """Return one lifespan for several: they are entered in order, and left in reverse.

    One that is given twice is entered once. What they yield is laid into one state.

    Args:
        lifespans: of several applications; None for one that has none.
    """
    distinct: list[Lifespan] = []
    for one in lifespans:
        if one is not None and one not in distinct:
            distinct.append(one)
    if len(distinct) < 2:
        return distinct[0] if distinct else None

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[dict[str, Any]]:
        """Enter all.

        Raises:
            TypeError: two of them yield the same name.
        """
        state: dict[str, Any] = {}
        async with AsyncExitStack() as entered:
            for one in distinct:
                yielded = await entered.enter_async_context(enter_lifespan(one))
                if twice := sorted(state.keys() & yielded.keys()):
                    raise TypeError(
                        f"two lifespans yield {twice[0]!r}, and all applications of Routes share"
                        " one state: give one of the two another name"
                    )
                state.update(yielded)
            yield state

    return lifespan
