"""The WebSocket of a socket: the Sock that gives frames to a mux, and its channels their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from sock.spec import CloseCode, InvalidMessage, ProtocolError, Shutdown, Sock, Stop, Stream

from .reason import Closed, Draining

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sock.spec import Reason, Ref, Returned

    from .mux import Mux
    from .steps import Rest


@final
class WebSocket(Sock[Any]):
    """The handler of a client's connection.

    Args:
        mux: of this connection.
    """

    def __init__(self, mux: Mux) -> None:
        self._mux = mux

    def init(self, ref: Ref[Any], /) -> Returned:
        """Begin: the connection is live."""
        return self._mux.begin(ref)

    def handle_in(self, message: str | bytes, /) -> Returned:
        """Take a frame of the client. One that cannot be decoded ends the connection."""
        mux = self._mux
        try:
            rest = mux.receive(message)
        except InvalidMessage as error:
            return Stop(CloseCode.INTERNAL_ERROR, str(error), error=error)
        except ProtocolError as error:
            return Stop(error.code, str(error), error=error)
        if rest is not None:
            return Stream(rest)
        return mux.wait_for_room() if mux.is_full else None

    def handle_info(self, info: Any, /) -> Returned:
        """Take what is for a channel, or the end of all connections of a user."""
        if self._mux.wants_to_end(info):
            return Stop(CloseCode.GOING_AWAY, "disconnected")
        rest: Rest | None = self._mux.take_info(info)
        return None if rest is None else Stream(rest)

    def terminate(self, reason: Reason, /) -> None | Awaitable[None]:
        """Let all channels end."""
        return self._mux.end(Draining() if isinstance(reason, Shutdown) else Closed(reason))
