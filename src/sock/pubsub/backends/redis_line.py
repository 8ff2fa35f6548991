"""The two connections with one Redis server: one publishes, the other one subscribes.

over the first      PUBLISH, and its answer; an answer belongs to the oldest question
over the second     SUBSCRIBE and UNSUBSCRIBE, and their answers in the same order; messages
over both           PING, every `PING_INTERVAL`; silence after three is the end of the line

A line is used once: when one connection has failed, both are closed, and the next line subscribes
to all topics again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast, final

from redis.exceptions import AskError, ClusterDownError, RedisError, ResponseError

from sock.pubsub.gap import BackendDown

from .together import together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from .backend import Receiver
    from .outbox import Outbox

PING_INTERVAL: Final = 2.0
"""Seconds between two questions whether the server is there."""

_MAX_UNANSWERED: Final = 2

_AT_ONCE: Final = 64
"""Messages between two turns of the event loop: what has come is read without waiting."""

_PAUSE: Final = 0.005
"""Seconds between two looks at whether more may be read."""

_CLOSE_TIMEOUT: Final = 1.0
"""Seconds for what was written to leave, and for TLS to end on both sides."""


class Connection(Protocol):
    """What is used of redis-py's connections."""

    async def connect(self) -> None:
        """Connect, and log in."""

    async def disconnect(self) -> None:
        """Close, and wait until it is closed."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return the bytes of a command."""
        ...

    async def send_packed_command(
        self,
        command: Iterable[bytes],
        check_health: bool = True,  # noqa: FBT001, FBT002 - of redis-py
    ) -> None:
        """Write, and wait while the server takes nothing."""

    async def read_response(self, *, disconnect_on_error: bool = True) -> Any:
        """Return the next answer."""


async def close(connection: Connection) -> None:
    """Close a connection. Nothing of it is left, also where the server does not answer.

    So redis-py must not close it before, as it does by itself where `read_response` is cancelled:
    then nobody knows the socket any more, which waits for the server to end TLS.
    """
    writer = cast("Any", connection)._writer  # noqa: SLF001
    try:
        with contextlib.suppress(OSError, RedisError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await connection.disconnect()
    finally:
        if writer is not None:
            writer.transport.abort()


class Verbs(NamedTuple):
    """The commands of one kind of topics."""

    publish: str
    subscribe: str
    unsubscribe: str

    @property
    def message(self) -> bytes:
        """The first word of a message."""
        return b"message" if self.publish == "PUBLISH" else b"smessage"


PLAIN: Final = Verbs("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE")
SHARDED: Final = Verbs("SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE")


class Expected(NamedTuple):
    """An answer that the second connection waits for."""

    topic: str
    asked: asyncio.Future[None] | None
    """Who waits for it."""
    again: bool
    """Whether messages of this topic were lost before."""


@final
class Line:
    """The two connections with one server.

    Args:
        connections: opens one.
        prefix: before each topic, in the name of its channel.
        verbs: the commands.
        outbox: what is to be published.
        receiver: gets messages.
    """

    def __init__(
        self,
        connections: Callable[[], Awaitable[Connection]],
        prefix: str,
        verbs: Verbs,
        outbox: Outbox,
        receiver: Receiver,
    ) -> None:
        self._open = connections
        self._prefix = prefix
        self._verbs = verbs
        self._outbox = outbox
        self._receiver = receiver
        self._commands: list[tuple[str, ...]] = []
        self._commanded = asyncio.Event()
        self._expected: deque[Expected] = deque()
        self._unanswered = [0, 0]  # questions on each connection, since its last answer
        self._asks = False  # whether the first connection is to ask
        self._publishing: deque[bool] = deque()  # whether an answer is that of a message

    async def run(self, topics: Iterable[str], connected: Callable[[], None]) -> None:
        """Carry messages until a connection fails.

        Args:
            topics: were subscribed before, or while no server was there.
            connected: is called when the server has answered on both connections.

        Raises:
            OSError, redis.exceptions.RedisError: this is the end of the line.
        """
        async with contextlib.AsyncExitStack() as stack:
            first = await self._opened(stack)
            second = await self._opened(stack)
            for topic in topics:
                self.subscribe_again(topic)
            self._outbox.is_up = True
            connected()
            try:
                await together(
                    self._publish(first),
                    self._read_answers(first),
                    self._command(second),
                    self._read_messages(second),
                    self._ping(),
                )
            finally:
                for one in self._expected:
                    if one.asked is not None and not one.asked.done():
                        one.asked.set_result(None)  # it is subscribed when a server is there again

    def subscribe(self, topic: str) -> asyncio.Future[None]:
        """Have the messages of a topic; return what tells that it is so."""
        asked = asyncio.get_running_loop().create_future()
        self._subscribe(Expected(topic, asked, again=False))
        return asked

    def subscribe_again(self, topic: str) -> None:
        """Have the messages of a topic, and its gap before them."""
        self._subscribe(Expected(topic, None, again=True))

    def unsubscribe(self, topic: str) -> None:
        """Have the messages of a topic no more."""
        self._expected.append(Expected(topic, None, again=False))
        self._commands.append((self._verbs.unsubscribe, self._prefix + topic))
        self._commanded.set()

    def _subscribe(self, expected: Expected) -> None:
        self._expected.append(expected)
        self._commands.append((self._verbs.subscribe, self._prefix + expected.topic))
        self._commanded.set()

    async def _opened(self, stack: contextlib.AsyncExitStack) -> Connection:
        connection = await self._open()
        stack.push_async_callback(close, connection)
        await connection.connect()
        # A server that wants a password says so in answer to a command only.
        await connection.send_packed_command(connection.pack_command("PING"), check_health=False)
        await asyncio.wait_for(
            connection.read_response(disconnect_on_error=False), PING_INTERVAL * _MAX_UNANSWERED
        )
        return connection

    # The first connection.

    async def _publish(self, connection: Connection) -> None:
        while True:
            await self._outbox.wait()
            packed: list[bytes] = []
            for message in self._outbox.take():
                channel = self._prefix + message.topic
                packed += connection.pack_command(self._verbs.publish, channel, message.data)
                self._publishing.append(True)
            if self._asks:
                self._asks = False
                packed += connection.pack_command("PING")
                self._publishing.append(False)
            await connection.send_packed_command(packed, check_health=False)

    async def _read_answers(self, connection: Connection) -> None:
        while True:
            error = None
            try:
                await connection.read_response(disconnect_on_error=False)
            except ResponseError as refused:
                error = refused
                _check_not_moved(refused)
            self._unanswered[0] = 0
            if self._publishing.popleft():
                self._outbox.acknowledge(error)

    # The second connection.

    async def _command(self, connection: Connection) -> None:
        while True:
            await self._commanded.wait()
            self._commanded.clear()
            commands, self._commands = self._commands, []
            packed = [piece for one in commands for piece in connection.pack_command(*one)]
            await connection.send_packed_command(packed, check_health=False)

    async def _read_messages(self, connection: Connection) -> None:
        receiver = self._receiver
        skipped = len(self._prefix)
        count = 0
        while True:
            try:
                answer: Any = await connection.read_response(disconnect_on_error=False)
            except ResponseError as refused:
                _check_not_moved(refused)
                self._answer(refused)
                continue
            self._unanswered[1] = 0
            match answer:
                case [self._verbs.message, bytes(channel), bytes(data)]:
                    receiver.received(channel.decode()[skipped:], data)
                    count += 1
                    if count % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                    while receiver.behind:  # noqa: ASYNC110 - as in nats.py
                        await asyncio.sleep(_PAUSE)
                case [b"pong", _] | b"PONG":
                    pass
                case [b"sunsubscribe", bytes(channel), _] if self._is_unasked(channel):
                    raise ConnectionResetError("a topic has moved to another server")
                case _:
                    self._answer(None)

    def _answer(self, error: Exception | None) -> None:
        """Take an answer: it belongs to the oldest command."""
        expected = self._expected.popleft()
        if expected.again and error is None:
            self._receiver.gap(expected.topic)
        if error is not None:
            self._receiver.refused(expected.topic, error)
        if expected.asked is not None and not expected.asked.done():
            if error is None:
                expected.asked.set_result(None)
            else:
                expected.asked.set_exception(BackendDown(str(error)))

    def _is_unasked(self, channel: bytes) -> bool:
        """Tell whether a server of a cluster has ended a subscription by itself."""
        topic = channel.decode()[len(self._prefix) :]
        return not self._expected or self._expected[0].topic != topic

    # Both.

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_INTERVAL)
            if max(self._unanswered) > _MAX_UNANSWERED:
                raise TimeoutError("it does not answer")
            # A writer that waits for room has not even asked; that is no answer either.
            self._unanswered = [number + 1 for number in self._unanswered]
            self._asks = True
            self._outbox.nudge()
            self._commands.append(("PING",))
            self._commanded.set()


def _check_not_moved(error: ResponseError) -> None:
    """End the line if a server of a cluster is not responsible for a topic any more."""
    if isinstance(error, AskError | ClusterDownError):  # a MovedError is an AskError
        raise ConnectionResetError(f"the cluster has changed: {error}") from error
