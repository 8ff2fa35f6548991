"""What the lane of a topic asks of the connection that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sock.spec import Ref, Request

    from .broadcaster import Broadcaster
    from .limits import Limits
    from .message import Frame, Message
    from .serializer import Serializer
    from .socket import Socket


class Connection(Protocol):
    """A connection, as its lanes see it: a `Mux`."""

    @property
    def ref(self) -> Ref[Any]:
        """The address of the connection."""
        ...

    @property
    def socket(self) -> Socket:
        """What the application knows of it."""
        ...

    @property
    def serializer(self) -> Serializer:
        """Writes its frames."""
        ...

    @property
    def broadcaster(self) -> Broadcaster:
        """Carries broadcasts."""
        ...

    @property
    def limits(self) -> Limits:
        """Bound its channels."""
        ...

    @property
    def request(self) -> Request:
        """Its request."""
        ...

    def send(self, frame: Frame, /) -> None:
        """Send a frame to the client."""

    def take_late(self) -> Iterator[Frame]:
        """Return the frames of a callback that has ended in a drain."""
        ...

    def reply_unmatched(self, message: Message, /) -> None:
        """Answer a message for a topic that is not joined."""

    def note_waiting(self, size: int, /) -> None:
        """Note that so many bytes more wait for a channel, or that fewer do."""

    def drop(self, topic: str, /) -> None:
        """Forget a lane that is empty."""
