"""`redis:` and `rediss:`: all processes that reach one Redis server, by its pub/sub.

    address                                        names
    ---------------------------------------------  ------------------------------------------
    redis://user:password@host:6379/0              a server, its account and the database (1)
    rediss://host:6379?ssl_ca_certs=/ca.pem        the same over TLS; options are redis-py's
    redis+sentinel://one:26379,two:26379/mymaster  the master that these sentinels name

(1) pub/sub of Redis does not know databases, so the number is a part of the channel's name:
    `sock:0:room` is the topic `room` of database 0
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast, final
from urllib.parse import unquote, urlsplit

from redis.asyncio.connection import Connection as PlainConnection
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .backoff import Backoff
from .broker import Broker
from .redis_line import PLAIN, Connection, Line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .backend import Receiver

TIMEOUT: Final = 5.0
"""Seconds for a server to take a connection, and to answer the login."""

PLAIN_SCHEMES: Final = frozenset(("redis", "rediss"))

_SENTINEL_PORT: Final = 26379


class Place(NamedTuple):
    """Where a Redis is, and how to log in."""

    kind: type[PlainConnection]
    arguments: dict[str, Any]

    @property
    def prefix(self) -> str:
        """What stands before a topic in the name of its channel."""
        return f"sock:{int(self.arguments.get('db', 0))}:"

    def at(self, host: str, port: int) -> Place:
        """Return the same on another server."""
        return Place(self.kind, self.arguments | {"host": host, "port": port})

    async def open(self) -> Connection:
        """Return a connection, which is not connected yet."""
        return cast("Connection", self.kind(**self.arguments))


def place_of(url: str) -> Place:
    """Return what an address of one server names.

    Raises:
        ValueError: it cannot be read.
    """
    given: dict[str, Any] = dict(parse_url(url))
    path = urlsplit(url).path.strip("/")
    if path and not path.isdigit():
        raise ValueError(f"a path names a database by its number, and {path!r} is none")
    kind: type[PlainConnection] = given.pop("connection_class", PlainConnection)
    given.pop("max_connections", None)
    arguments: dict[str, Any] = {"socket_connect_timeout": TIMEOUT} | given
    # What our reading of answers relies on.
    arguments |= {"socket_timeout": None, "decode_responses": False, "protocol": 2}
    try:
        kind(**{name: one for name, one in arguments.items() if not name.startswith("sentinel_")})
    except TypeError as error:
        raise ValueError(f"not an option of redis-py's connections: {error}") from None
    return Place(kind, arguments)


def places_of(url: str) -> tuple[list[Place], str]:
    """Return the servers of an address that names several, and the path behind them.

    Raises:
        ValueError: it cannot be read.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    credentials, at, hosts = parts.netloc.rpartition("@")
    query = f"?{parts.query}" if parts.query else ""
    places = [place_of(f"{scheme}://{credentials}{at}{one}{query}") for one in hosts.split(",")]
    return places, unquote(parts.path.strip("/"))


class Sentinels(NamedTuple):
    """What an address of sentinels names."""

    hosts: list[tuple[str, int]]
    options: dict[str, Any]
    """Of the connections with them."""
    name: str
    """Of the master."""
    master: Place
    """How to log in there; its host and port are those of the first sentinel."""


def sentinels_of(url: str) -> Sentinels:
    """Return what an address of sentinels names.

    Raises:
        ValueError: it names no sentinels, or no master.
    """
    places, name = places_of(url)
    if not name:
        raise ValueError("the name of the master follows the sentinels: …:26379/mymaster")
    login = dict(places[0].arguments)
    options: dict[str, Any] = {
        one.removeprefix("sentinel_"): login.pop(one)
        for one in list(login)
        if one.startswith("sentinel_")
    }
    options |= {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "ssl": places[0].kind is SSLConnection,
    }
    hosts = [
        (
            str(one.arguments.get("host", "localhost")),
            int(one.arguments.get("port", _SENTINEL_PORT)),
        )
        for one in places
    ]
    return Sentinels(hosts, options, name, Place(places[0].kind, login))


def masters_of(url: str) -> Callable[[], Awaitable[Place]]:
    """Return what asks the sentinels of an address for the place of their master.

    Raises:
        ValueError: the address names no sentinels, or no master.
    """
    found = sentinels_of(url)
    # The next sentinel is asked at once where one does not answer.
    options = found.options | {"retry": Retry(NoBackoff(), 0)}

    async def master() -> Place:
        sentinel: Any = cast("Any", Sentinel)(found.hosts, sentinel_kwargs=options)
        try:
            host, port = await sentinel.discover_master(found.name)
        finally:
            for one in sentinel.sentinels:
                await one.aclose()
        return found.master.at(host, port)

    return master


@final
class Redis(Broker[Line]):
    """The backend of one event loop.

    Args:
        locate: returns where the server is now.
    """

    def __init__(self, locate: Callable[[], Awaitable[Place]]) -> None:
        super().__init__()
        self._locate = locate

    async def run(self, receiver: Receiver, /) -> None:
        """Carry messages until this is cancelled; connect again and again."""
        backoff = Backoff()

        def connected() -> None:
            backoff.reset()
            self._line = line
            receiver.connected()

        try:
            while True:
                try:
                    place = await self._locate()
                    line = Line(place.open, place.prefix, PLAIN, self._outbox, receiver)
                    await line.run(self._topics, connected)
                except (OSError, RedisError) as error:
                    self._line = None
                    pause = backoff.pause()
                    self._outbox.lose(error)
                    receiver.down(error, pause)
                    await asyncio.sleep(pause)
        finally:
            self._outbox.end()


def redis(url: str) -> Callable[[], Redis]:
    """Return what makes the backend of an address of one server, or of sentinels.

    Raises:
        ValueError: the address cannot be read.
    """
    if url.partition(":")[0].endswith("+sentinel"):
        masters = masters_of(url)
        return lambda: Redis(masters)
    place = place_of(url)

    async def there() -> Place:
        return place

    return lambda: Redis(there)
