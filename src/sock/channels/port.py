"""What a channel asks of the lane that it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import concurrent.futures

    from sock.spec import Ref

    from .deferred import Deferred


class Port(Protocol):
    """The lane of a topic, as a channel sees it that has joined."""

    def push(self, event: str, payload: Any, /) -> None:
        """Send an event to the client."""

    async def broadcast(self, event: str, payload: Any, /, *, to_self: bool) -> None:
        """Send an event to all that have joined the topic."""

    def broadcast_soon(
        self, event: str, payload: Any, /, *, to_self: bool
    ) -> concurrent.futures.Future[None]:
        """Do the same without waiting."""
        ...

    def defer(self) -> Deferred:
        """Return what answers the event that is handled now."""
        ...

    @property
    def ref(self) -> Ref[Any]:
        """The address of the connection."""
        ...
