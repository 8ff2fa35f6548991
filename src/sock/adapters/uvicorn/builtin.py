"""uvicorn's built-in WebSocket protocol, which serves every connection that no Sock takes.

uvicorn chooses it among the installed packages: websockets or wsproto. It reads the request and
runs the application on every connection, also for Socks. Our protocol decides how far it gets:

    our protocol calls         what the built-in protocol does
    -------------------------  ---------------------------------------------------------------
    start                      reads the request, and runs the application in a task
    stand_in                   is in uvicorn's list of connections again, as it has answered
    take_transport             reads the connection from here on: the application has accepted
    lose                       hears that the connection is lost
    retire                     hears that the connection is lost, although a Sock has it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, final

from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol

from sock.spec import HandshakeError

from . import log

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from sock.hosting.takeover import Takeover

_UNUSED_WHEN_RETIRED: Final = frozenset(
    ("buffer", "conn", "frames", "queue", "request", "response", "writable")
)
"""Attributes that the protocol needs for a live connection only: 10 kB of each, when idle."""


@final
class BuiltinProtocol:
    """uvicorn's built-in protocol for one connection.

    Args:
        config: uvicorn's configuration.
        server_state: uvicorn's, with the connections and tasks that its shutdown waits for.
        app_state: the state of the lifespan.
        app: the ASGI application that it runs.
    """

    def __init__(
        self, config: Any, server_state: Any, app_state: dict[str, Any], app: Callable[..., Any]
    ) -> None:
        self._state = server_state
        self._protocol: Any = cast("Any", AutoWebSocketsProtocol)(
            config=config, server_state=server_state, app_state=app_state
        )
        self._protocol.app = app

    def start(self, transport: asyncio.Transport, head: bytes, takeover: Takeover) -> None:
        """Have it read the head of a request, and run the application.

        Args:
            transport: of the connection.
            head: of the request.
            takeover: is offered to the application.

        Raises:
            HandshakeError: it has neither run the application nor answered the request.
        """
        protocol, running = self._protocol, len(self._state.tasks)
        log.follow(protocol, takeover)
        protocol.connection_made(transport)
        try:
            protocol.data_received(head)
        except Exception as error:
            raise _not_understood() from error
        finally:
            self._state.connections.discard(protocol)  # our protocol stands there until it decides
        if len(self._state.tasks) == running and not transport.is_closing():
            raise _not_understood()

    def forget_app(self) -> None:
        """Drop its reference to the application, which would be a cycle: it is running by now."""
        self._protocol.app = None

    def stand_in(self) -> None:
        """Put it into uvicorn's list of connections, so that uvicorn's shutdown reaches it."""
        self._state.connections.add(self._protocol)

    def take_transport(self, transport: asyncio.Transport, received: bytes) -> None:
        """Let it read the connection, beginning with the bytes that were received before."""
        transport.set_protocol(self._protocol)
        transport.resume_reading()  # before the data: the first message may pause reading again
        if received:
            self._protocol.data_received(received)

    def lose(self, error: Exception | None) -> None:
        """Tell it that the connection is lost."""
        self._state.connections.add(self._protocol)  # it removes itself, and fails if it is missing
        self._protocol.connection_lost(error)

    def retire(self) -> None:
        """End it, because a Sock has taken the socket; its task runs on as long as the route does.

        So the attributes that only a live connection needs are freed now.
        """
        self._protocol.transport = _ClosedTransport()
        self.lose(ConnectionResetError("taken over by a Sock"))
        for name in _UNUSED_WHEN_RETIRED:
            if hasattr(self._protocol, name):
                setattr(self._protocol, name, None)


def _not_understood() -> HandshakeError:
    """Return the refusal of a head that the built-in protocol does not understand."""
    return HandshakeError(400, "uvicorn's WebSockets refuse this head, such as for its size")


@final
class _ClosedTransport:
    """The transport of a retired protocol, in place of the socket that a Sock has taken."""

    def is_closing(self) -> bool:
        """Return that it is closed."""
        return True

    def close(self) -> None:
        """Do nothing, as the socket is a Sock's."""

    pause_reading = resume_reading = close
