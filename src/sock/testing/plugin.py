"""The pytest plugin, which pytest finds wherever Sock is installed.

Every run of pytest imports it. So it imports the rest of the kit only when a fixture is used.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .session import Session


class OpenSession:
    """The type of `open_session`: it opens sessions, and the test need not close them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, app: Any, /, *args: Any, **options: Any) -> Session[Any]:
        """Open a session; see `testing.open`."""
        from .opening import open as open_

        return self._stack.enter_context(open_(app, *args, **options))


@pytest.fixture
def open_session() -> Iterator[OpenSession]:
    """Open sessions as `testing.open` does, and leave them when the test ends."""
    with ExitStack() as stack:
        yield OpenSession(stack)
