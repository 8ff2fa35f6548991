"""What was published and is not at the broker yet: bounded, and in the order of the calls.

    a message is  it was                               when the connection is lost
    ------------  -----------------------------------  -------------------------------------------
    waiting       not written                          waits for the next one, if there is room (1)
    sent          written, and not acknowledged yet    is lost: whether others have it is not known
    done          acknowledged                         -

(1) for `MAX_WAITING` messages
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple, final

from sock import telemetry
from sock.pubsub.gap import BackendDown

MAX_WAITING: Final = 1024
"""Messages that wait for a broker that is away."""

MAX_UNDONE: Final = 65536
"""Messages that a broker that is there has not acknowledged yet."""

MAX_BYTES: Final = 8 * 1024 * 1024
"""Bytes of either. A message that is larger is taken if it is the only one."""


class Published(NamedTuple):
    """A message on its way."""

    topic: str
    data: bytes
    done: asyncio.Future[None]


@final
class Outbox:
    """The messages that one event loop has published, until a broker has them."""

    def __init__(self) -> None:
        self.is_up = False
        """Whether a broker takes messages."""
        self.error: Exception = BackendDown("it is not reached yet")
        """Why none does."""
        self._waiting: deque[Published] = deque()
        self._sent: deque[Published] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    def put(self, topic: str, data: bytes) -> asyncio.Future[None]:
        """Take a message.

        Returns:
            What tells that a broker has it.

        Raises:
            BackendDown: too many messages wait.
        """
        count = len(self)
        if count >= (MAX_UNDONE if self.is_up else MAX_WAITING) or (
            count and self._bytes + len(data) > MAX_BYTES
        ):
            why = "it is slow" if self.is_up else str(self.error)
            down = BackendDown(f"{count} messages wait for the backend already: {why}")
            telemetry.emit("pubsub.lost", topic=topic, error=down)
            raise down
        message = Published(topic, data, asyncio.get_running_loop().create_future())
        self._waiting.append(message)
        self._bytes += len(data)
        self._filled.set()
        return message.done

    async def wait(self) -> None:
        """Wait until a message is to be written, or until `nudge`."""
        await self._filled.wait()

    def nudge(self) -> None:
        """Wake who waits."""
        self._filled.set()

    def take(self) -> list[Published]:
        """Return the messages that are to be written now."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._sent.extend(taken)
        self._filled.clear()
        return taken

    def take_back(self) -> list[Published]:
        """Return the messages that wait, which another outbox adopts."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._bytes -= sum(len(one.data) for one in taken)
        self._filled.clear()
        return taken

    def adopt(self, message: Published) -> None:
        """Take a message that was put into another outbox."""
        self._waiting.append(message)
        self._bytes += len(message.data)
        self._filled.set()

    @property
    def sent(self) -> int:
        """How many messages were written and not acknowledged."""
        return len(self._sent)

    def refuse(self, message: Published, error: Exception) -> None:
        """Take note that a broker will not have a message. It is acknowledged in its turn."""
        _tell(message, error)

    def acknowledge(self, error: Exception | None = None) -> None:
        """Take note of what a broker says of the first message that was sent."""
        self._settle(self._sent.popleft(), error)

    def lose(self, error: Exception) -> None:
        """Take note that the broker is away."""
        self.is_up, self.error = False, error
        while self._sent:
            self._settle(self._sent.popleft(), error)
        while len(self._waiting) > MAX_WAITING:
            self._settle(self._waiting.pop(), error)

    def end(self) -> None:
        """Give all up: nothing is carried any more."""
        self.lose(BackendDown("this PubSub has ended"))
        while self._waiting:
            self._settle(self._waiting.popleft(), self.error)

    def _settle(self, message: Published, error: Exception | None) -> None:
        self._bytes -= len(message.data)
        _tell(message, error)


def _tell(message: Published, error: Exception | None) -> None:
    if message.done.done():  # nobody waits any more
        return
    if error is None:
        message.done.set_result(None)
    else:
        down = BackendDown(str(error))
        message.done.set_exception(down)
        message.done.exception()  # it need not be looked at
        telemetry.emit("pubsub.lost", topic=message.topic, error=down)
