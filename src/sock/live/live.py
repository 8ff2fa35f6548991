"""What a live connection is to its ref and to its jobs, whoever speaks its wire.

There are two: a `Link` has the wire too, a `Bridge` leaves that to another server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.engine import Lifecycle
    from sock.loop.reactor import Reactor
    from sock.loop.scope import Scope
    from sock.spec import Request

    from .ref import Later


class Live(Protocol):
    """A connection from its 101 to the end of `terminate`."""

    @property
    def reactor(self) -> Reactor:
        """Of the connection's event loop."""
        ...

    @property
    def request(self) -> Request:
        """The request that was upgraded."""
        ...

    @property
    def lifecycle(self) -> Lifecycle:
        """Whatever is decided, is decided there."""
        ...

    @property
    def debug(self) -> bool:
        """Whether callbacks that block the loop are named."""
        ...

    @property
    def timers(self) -> set[Later]:
        """What is to be forgotten at the end."""
        ...

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer."""
        ...

    def wake(self) -> None:
        """Ask for a turn."""

    def run_in_scope(self, act: Callable[..., Any], /, *arguments: Any) -> Any:
        """Do something in the connection's scope."""

    def own_scope(self) -> Scope:
        """Return the scope, which is shared with nobody from now on."""
        ...

    def post(self, info: Any, /) -> None:
        """Take an info from another thread."""

    def add_done_callback(self, callback: Callable[[], None], /) -> None:
        """Call back when the life cycle has ended."""

    async def room(self) -> None:
        """Wait until the peer keeps up, or is gone."""
