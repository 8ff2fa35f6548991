"""What waits to be sent by a bridge: messages in order, and perhaps a Close behind them.

One task at a time sends, because another server takes one message after the other. That is the task
that reads, for what its own turn has to say: such a message costs neither a task nor a turn of the
event loop. For everything else it is a task of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, final

from sock.engine import encoded_size

from .server_wire import QueuedClose

if TYPE_CHECKING:
    from sock.engine.outbox import Outbox
    from sock.spec import Message

    from .server_wire import ServerWire


class Sender(Protocol):
    """The connection whose queue it is."""

    def begin_close(self, close: QueuedClose) -> None:
        """Begin to send our Close; everything before it has left."""

    def cannot_send(self) -> None:
        """Take note that the server cannot send: the peer is lost."""

    def has_sent(self) -> None:
        """Take note that all was sent, after a Close or while the peer did not keep up."""


@final
class SendQueue:
    """The messages of one connection that wait for the peer.

    Args:
        connection: whose queue it is. It must call `forget` when it is over.
        wire: the connection in the other server.
        loop: the event loop.
        outbox: knows whether the peer keeps up.
    """

    __slots__ = (
        "_connection",
        "_loop",
        "_outbox",
        "_sending_since",
        "_wire",
        "closing",
        "items",
        "size",
        "task",
    )

    def __init__(
        self,
        connection: Sender,
        wire: ServerWire,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
    ) -> None:
        self._connection: Any = connection
        self._wire = wire
        self._loop = loop
        self._outbox = outbox
        self.items: deque[Message | QueuedClose] = deque()
        """What waits, and comes first what is being sent."""
        self.size = 0
        """Bytes of the messages that wait."""
        self.closing = False
        """Whether a Close was queued."""
        self.task: asyncio.Task[Any] | None = None
        """The task that sends at this moment."""
        self._sending_since = 0.0  # when it began to send the message that comes first

    def put(self, message: Message, size: int) -> None:
        """Queue a message of so many bytes."""
        self.size += size
        self.items.append(message)

    def put_close(self, close: QueuedClose) -> None:
        """Queue our Close, behind everything that was pushed."""
        self.closing = True
        self.items.append(close)

    def last_close(self) -> QueuedClose | None:
        """Return our Close if it waits, else None."""
        last = self.items[-1] if self.items else None
        return last if isinstance(last, QueuedClose) else None

    def clear(self) -> None:
        """Drop what waits: the peer is lost."""
        self.items.clear()
        self.size = 0

    def forget(self) -> None:
        """End the task that sends, and let go of the connection, which is over."""
        self.cancel()
        self._connection = None

    def cancel(self) -> None:
        """End the task that sends."""
        if self.task is not None:
            self.task.cancel()

    def overdue(self, now: float, timeout: float | None) -> bool:
        """Tell whether the server has been sending one message for `timeout` seconds."""
        return (
            timeout is not None and self.task is not None and now >= self._sending_since + timeout
        )

    def begin(self) -> None:
        """Send everything that waits, in a task of its own, unless a task sends already."""
        if self.items and self.task is None:
            # The task is the sender before it runs, so that no other one begins.
            self._sending_since = self._loop.time()
            self.task = self._loop.create_task(self.send())

    async def send(self) -> None:
        """Send everything that waits, now or meanwhile. The caller has set `task`."""
        items, wire, now = self.items, self._wire, self._loop.time
        self._sending_since = now()
        try:
            while items:
                message = items[0]
                if isinstance(message, QueuedClose):
                    self._connection.begin_close(message)
                    # The Close leaves; `terminate` does not wait for the peer's answer.
                    await asyncio.sleep(0)
                else:
                    await wire.send(message)
                if items:  # otherwise the peer was lost in the meantime
                    items.popleft()
                    if not isinstance(message, QueuedClose):
                        self.size -= encoded_size(message)
                if items:
                    self._sending_since = now()
        except Exception:  # noqa: BLE001 - any error of a server means that the peer is lost
            self.clear()
            if self._connection is not None:
                self._connection.cannot_send()
        finally:
            self.task = None
        if (self.closing or self._outbox.full) and self._connection is not None:
            self._connection.has_sent()
