"""A reply that is given later, from anywhere; and how frames reach a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from sock.live.ref import push_all
from sock.spec import Prepared

if TYPE_CHECKING:
    from sock.spec import Ref

    from .message import Frame, Message
    from .serializer import Serializer


def send_frame(connection: Ref[Any], frame: Frame) -> None:
    """Send a frame to the client, behind all that waits for it. May be called in any thread."""
    push_all((connection,), Prepared(frame))


@final
class Deferred:
    """Answers one event later. Made by `Channel.defer`.

    It may be kept, and used in any thread. A client takes the first answer to an event. An answer
    after the end of the connection is dropped.

    Args:
        connection: the address of the client's connection.
        serializer: of the connection.
        join_ref: of the channel.
        message: the event.
    """

    __slots__ = ("_connection", "_join_ref", "_ref", "_serializer", "_topic")

    def __init__(
        self, connection: Ref[Any], serializer: Serializer, join_ref: Any, message: Message
    ) -> None:
        self._connection = connection
        self._serializer = serializer
        self._join_ref = join_ref
        self._ref = message.ref
        self._topic = message.topic

    def ok(self, response: Any = None, /) -> None:
        """Answer "ok", with a JSON value or bytes; None is an empty object.

        Raises:
            TypeError: the response cannot be written as JSON.
        """
        self.reply("ok", response)

    def error(self, response: Any = None, /) -> None:
        """Answer "error".

        Raises:
            TypeError: the response cannot be written as JSON.
        """
        self.reply("error", response)

    def reply(self, status: str, response: Any = None, /) -> None:
        """Answer with any status. Clients other than phoenix.js may know "ok" and "error" only.

        Raises:
            TypeError: the response cannot be written as JSON.
        """
        if self._ref is None:  # the client wants no answer
            return
        response = {} if response is None else response
        send_frame(
            self._connection,
            self._serializer.reply(self._join_ref, self._ref, self._topic, status, response),
        )
