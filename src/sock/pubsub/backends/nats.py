"""`nats:` and `tls:`: all processes that reach one NATS server, or a cluster of several.

    address                                   names
    ----------------------------------------  --------------------------------------------------
    nats://user:password@host:4222            a server and its account
    nats://token@one:4222,two:4222            several of one cluster: the next one where one fails
    tls://host:4222?ca=/ca.pem                over TLS; `cert` and `key` show who connects

The topic `room 7` has the subject `sock.room%207`: NATS has a meaning for spaces, dots and stars.
NATS does not acknowledge a message, but answers a PING behind it: then it has the message.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from nats.aio.client import Client
from nats.errors import Error, SlowConsumerError

from sock.pubsub.gap import BackendDown

from .backoff import Backoff
from .broker import Broker
from .outbox import MAX_BYTES, MAX_UNDONE
from .together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    from .backend import Receiver
    from .outbox import Outbox

TIMEOUT: Final = 5
"""Seconds for a server to take a connection, and to answer the login."""

PING_INTERVAL: Final = 2
"""Seconds between two questions whether the server is there; three without an answer are a no."""

_PREFIX: Final = "sock."
_PORT: Final = 4222

_AT_ONCE: Final = 64
"""Messages between two turns of the event loop: what has come is taken without waiting."""

_PAUSE: Final = 0.005
"""Seconds between two looks at whether more may be taken."""

_CLOSE_TIMEOUT: Final = 1.0

_LOOK: Final = 0.2
"""Seconds between two looks at whether the connection is there."""

_REFUSED: Final = re.compile(r'Permissions Violation for \w+ to "([^"]+)"', re.IGNORECASE)


def subject_of(topic: str) -> str:
    """Return the subject of a topic.

    >>> subject_of("room 7.*")
    'sock.room%207%2E%2A'
    """
    return _PREFIX + quote(topic, safe="/:@+,;=!$&'()").replace(".", "%2E")


def topic_of(subject: str) -> str:
    """Return the topic of a subject."""
    return unquote(subject.removeprefix(_PREFIX))


class Servers(NamedTuple):
    """What an address names."""

    urls: tuple[str, ...]
    context: ssl.SSLContext | None


def servers_of(url: str) -> Servers:
    """Return what an address names.

    Raises:
        ValueError: it cannot be read, or a file that it names cannot.
    """
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    urls: list[str] = []
    for one in hosts.split(","):
        server = urlsplit(f"{parts.scheme}://{credentials}{at}{one}")
        if not server.hostname:
            raise ValueError("a server has a name, as in nats://one:4222,two:4222")
        port = "" if server.port else f":{_PORT}"  # a port that is none raises here
        urls.append(server.geturl() + port)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = options.keys() - {"ca", "cert", "key"}
    if unknown:
        raise ValueError(f"there is no option {min(unknown)!r}, but ca, cert and key")
    context = None
    if parts.scheme == "tls":
        try:
            context = ssl.create_default_context(cafile=options.get("ca"))
            if "cert" in options:
                context.load_cert_chain(options["cert"], options.get("key"))
        except OSError as error:
            raise ValueError(f"a file of the certificate cannot be used: {error}") from None
    return Servers(tuple(urls), context)


@final
class Session:
    """One connection with one server, which is used until it fails.

    Args:
        outbox: what is to be published.
        receiver: gets messages.
    """

    def __init__(self, outbox: Outbox, receiver: Receiver) -> None:
        self._outbox = outbox
        self._receiver = receiver
        self._client = Client()
        self._subscriptions: dict[str, Subscription] = {}
        self._again: set[str] = set()  # topics whose messages were lost before
        self._refused: set[str] = set()
        self._left: asyncio.Queue[Subscription] = asyncio.Queue()
        self._published = asyncio.Event()
        self._ended = asyncio.Event()
        self._error: Exception | None = None
        self._count = 0

    async def run(
        self,
        url: str,
        context: ssl.SSLContext | None,
        topics: dict[str, None],
        connected: Callable[[], None],
    ) -> None:
        """Carry messages until the connection fails.

        Args:
            url: of the server.
            context: for TLS.
            topics: were subscribed before, or while no server was there.
            connected: is called when the server takes messages.

        Raises:
            OSError, nats.errors.Error: this is the end.
        """
        try:
            async with asyncio.timeout(2 * TIMEOUT):
                await self._connect(url, context)
            # They may change meanwhile, until `connected` is called.
            while missing := [one for one in topics if one not in self._subscriptions]:
                for topic in missing:
                    self._again.add(topic)
                    await self._listen(topic)
            for topic in self._subscriptions.keys() - topics.keys():
                self.unsubscribe(topic)
            self._outbox.is_up = True
            connected()
            await together(
                self._tell_again(), self._publish(), self._acknowledge(), self._leave(), self._end()
            )
        except (OSError, Error) as error:
            raise self._error or error from error
        finally:
            await self._close()

    async def subscribe(self, topic: str) -> None:
        """Have the messages of a topic; returns when the server knows that.

        Raises:
            BackendDown: the server lets this account not listen to it.
        """
        await self._listen(topic)
        try:
            await self._flush(TIMEOUT)
        except (OSError, Error):
            return  # it is subscribed when a server is there again
        if topic in self._refused:
            self._refused.discard(topic)
            raise BackendDown(f"the server lets this account not listen to {topic!r}")

    def unsubscribe(self, topic: str) -> None:
        """Have the messages of a topic no more."""
        subscription = self._subscriptions.pop(topic, None)
        if subscription is not None:
            self._left.put_nowait(subscription)

    async def _connect(self, url: str, context: ssl.SSLContext | None) -> None:
        await self._client.connect(
            [url],
            name="sock",
            no_echo=True,  # the own connections have the message already
            allow_reconnect=False,  # a new session begins in its place
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=TIMEOUT,
            ping_interval=PING_INTERVAL,
            max_outstanding_pings=2,
            tls=context,
            error_cb=self._failed,
            closed_cb=self._closed,
        )

    async def _listen(self, topic: str) -> None:
        client: Any = self._client  # one of its arguments has no complete type
        self._subscriptions[topic] = await client.subscribe(
            subject_of(topic),
            cb=self._received,
            pending_msgs_limit=MAX_UNDONE,
            pending_bytes_limit=MAX_BYTES,
        )

    async def _flush(self, timeout: int) -> None:  # noqa: ASYNC109 - that of nats-py
        """Wait until the server has done all that was asked before.

        The PING of nats-py's `flush` is written at once, and overtakes what its other task has not
        written yet. When the first PING is answered, that task has had its turn.
        """
        client = self._client
        if client.pending_data_size:
            await asyncio.sleep(0)  # mostly it is all written then
        if client.pending_data_size:
            await client.flush(timeout)
        await client.flush(timeout)

    # What nats-py calls.

    async def _received(self, message: Msg) -> None:
        topic = topic_of(message.subject)
        if self._again:
            self._tell(topic)
        self._receiver.received(topic, message.data)
        self._count += 1
        if self._count % _AT_ONCE == 0:
            await asyncio.sleep(0)
        while self._receiver.behind:  # noqa: ASYNC110 - each turn of the loop sends a part of it
            await asyncio.sleep(_PAUSE)

    async def _failed(self, error: Exception) -> None:
        if isinstance(error, SlowConsumerError):
            self._receiver.gap(topic_of(error.subject))
            return
        refused = _REFUSED.search(str(error))
        if refused is None:
            self._error = error
        else:
            topic = topic_of(refused[1])
            self._refused.add(topic)
            self._receiver.refused(topic, error)

    async def _closed(self) -> None:
        self._ended.set()

    async def _close(self) -> None:
        try:
            with contextlib.suppress(OSError, Error):
                # After a TLS handshake that has failed, it would wait for ever.
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await self._client.close()
        finally:
            # nats-py leaves all this open where its close is cut short, by a cancellation too.
            client: Any = self._client
            for task in (client._reading_task, client._flusher_task, client._ping_interval_task):  # noqa: SLF001
                if task is not None:
                    task.cancel()
            writer = getattr(client._transport, "_bare_io_writer", None)  # noqa: SLF001
            if writer is not None:
                writer.transport.abort()  # what is below TLS, whose end the server may not answer
            stops: list[Any] = list(self._subscriptions.values())
            for one in stops:
                one._stop_processing()  # noqa: SLF001 - it leaves these in any case

    # What runs beside it.

    async def _end(self) -> None:
        # nats-py does not call closed_cb when its last write fails.
        while not self._client.is_closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), _LOOK)
        raise self._client.last_error or ConnectionResetError("the connection was lost")

    async def _tell_again(self) -> None:
        """Tell of the gaps as soon as the server knows all topics."""
        await self._flush(4 * TIMEOUT)
        for topic in list(self._again):
            self._tell(topic)
        await asyncio.Event().wait()

    def _tell(self, topic: str) -> None:
        if topic in self._again:
            self._again.discard(topic)
            self._receiver.gap(topic)

    async def _publish(self) -> None:
        while True:
            await self._outbox.wait()
            for message in self._outbox.take():
                try:
                    await self._client.publish(subject_of(message.topic), message.data)
                except Error as error:  # too large for this server
                    if self._client.is_closed:
                        raise
                    self._outbox.refuse(message, error)
            self._published.set()

    async def _acknowledge(self) -> None:
        while True:
            await self._published.wait()
            self._published.clear()
            count = self._outbox.sent
            await self._flush(2 * TIMEOUT)
            for _ in range(count):
                self._outbox.acknowledge()

    async def _leave(self) -> None:
        while True:
            subscription = await self._left.get()
            await subscription.unsubscribe()


@final
class Nats(Broker[Session]):
    """The backend of one event loop.

    Args:
        servers: are tried one after the other.
    """

    def __init__(self, servers: Servers) -> None:
        super().__init__()
        self._servers = servers

    async def run(self, receiver: Receiver, /) -> None:
        """Carry messages until this is cancelled; connect again and again."""
        backoff = Backoff()
        urls = self._servers.urls
        failed = 0

        def connected() -> None:
            nonlocal failed
            failed = 0
            backoff.reset()
            self._line = session
            receiver.connected()

        try:
            at = 0
            while True:
                session = Session(self._outbox, receiver)
                try:
                    url = urls[at % len(urls)]
                    await session.run(url, self._servers.context, self._topics, connected)
                except (OSError, Error) as error:
                    self._line = None
                    at += 1
                    failed += 1
                    self._outbox.lose(error)
                    if failed < len(urls):
                        continue  # another one may be there
                    pause = backoff.pause()
                    receiver.down(error, pause)
                    await asyncio.sleep(pause)
        finally:
            self._outbox.end()


def nats(url: str) -> Callable[[], Nats]:
    """Return what makes the backend of an address.

    Raises:
        ValueError: the address cannot be read.
    """
    servers = servers_of(url)
    return lambda: Nats(servers)
