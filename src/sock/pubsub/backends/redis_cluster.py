"""`redis+cluster:`: a cluster of Redis servers, by sharded pub/sub (Redis 7).

    address                                             names
    --------------------------------------------------  --------------------------------------
    redis+cluster://user:password@one:6379,two:6379     servers of the cluster, of which one is
                                                        asked for all
    rediss+cluster://one:6379?ssl_ca_certs=/ca.pem      the same over TLS

A topic belongs to one master, so there is a line with each master. When one of them fails, or a
topic has moved, all lines end, and the cluster is asked anew: for its topics an outage is that of
the whole cluster, and it is over as soon as the others have a master for each slot.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast, final

from redis.crc import key_slot
from redis.exceptions import RedisError

from .backoff import Backoff
from .broker import Broker
from .outbox import Outbox
from .redis import TIMEOUT, Place, places_of
from .redis_line import SHARDED, Line, close
from .together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from .backend import Receiver

_SLOTS: Final = 16384

_PORT: Final = 6379


class Shard(NamedTuple):
    """A master, and what goes over its line."""

    line: Line
    outbox: Outbox


@final
class Shards:
    """The lines with all masters.

    Args:
        table: each master, with its slots.
        prefix: before each topic, in the name of its channel.
    """

    def __init__(self, table: list[tuple[range, Shard]], prefix: str) -> None:
        self._table = table
        self._prefix = prefix

    def all(self) -> list[Shard]:
        """Return each of them once."""
        return list({id(shard): shard for _, shard in self._table}.values())

    def of(self, topic: str) -> Shard:
        """Return the one to which a topic belongs."""
        slot = _slot_of(self._prefix + topic)
        return next(shard for slots, shard in self._table if slot in slots)

    def subscribe(self, topic: str) -> asyncio.Future[None]:
        """Have the messages of a topic; return what tells that it is so."""
        return self.of(topic).line.subscribe(topic)

    def unsubscribe(self, topic: str) -> None:
        """Have the messages of a topic no more."""
        self.of(topic).line.unsubscribe(topic)


async def masters_of(places: list[Place]) -> list[tuple[range, Place]]:
    """Return the slots of each master, as the first server says that answers.

    Raises:
        OSError, RedisError: none answers, or some slot has no master.
    """
    errors: list[Exception] = []
    for place in places:
        try:
            return await _masters_by(place)
        except (OSError, RedisError) as error:
            errors.append(error)
    raise errors[0]


async def _masters_by(place: Place) -> list[tuple[range, Place]]:
    connection = await place.open()
    try:
        async with asyncio.timeout(TIMEOUT):
            await connection.connect()
            command = connection.pack_command("CLUSTER", "SLOTS")
            await connection.send_packed_command(command, check_health=False)
            rows: list[list[Any]] = await connection.read_response()
    finally:
        await close(connection)
    own = str(place.arguments.get("host", "localhost"))
    masters = [
        (range(first, last + 1), place.at(host.decode() if host else own, port))
        for first, last, (host, port, *_), *_ in rows
    ]
    missing = _SLOTS - sum(len(slots) for slots, _ in masters)
    if missing:
        raise ConnectionError(f"{missing} slots of the cluster have no master")
    return masters


@final
class RedisCluster(Broker[Shards]):
    """The backend of one event loop.

    Args:
        places: servers of the cluster.
    """

    def __init__(self, places: list[Place]) -> None:
        super().__init__()  # its outbox has what is published while the cluster is away
        self._places = places
        self._prefix = places[0].prefix

    async def run(self, receiver: Receiver, /) -> None:
        """Carry messages until this is cancelled; connect again and again."""
        backoff = Backoff()
        try:
            while True:
                try:
                    await self._carry(receiver, backoff)
                except (OSError, RedisError) as error:
                    self._let_go(error)
                    pause = backoff.pause()
                    receiver.down(error, pause)
                    await asyncio.sleep(pause)
        finally:
            self._let_go(ConnectionError("this PubSub has ended"))
            self._outbox.end()

    def publish(self, topic: str, data: bytes, /) -> asyncio.Future[None]:
        """Send bytes to all processes that have subscribed to a topic."""
        outbox = self._outbox if self._line is None else self._line.of(topic).outbox
        return outbox.put(topic, data)

    async def _carry(self, receiver: Receiver, backoff: Backoff) -> None:
        masters = await masters_of(self._places)
        places = {(place.arguments["host"], place.arguments["port"]): place for _, place in masters}
        made: dict[tuple[str, int], Shard] = {}
        for at, place in places.items():
            outbox = Outbox()
            line = Line(place.open, self._prefix, SHARDED, outbox, receiver)
            made[at] = Shard(line, outbox)
        shards = Shards(
            [
                (slots, made[place.arguments["host"], place.arguments["port"]])
                for slots, place in masters
            ],
            self._prefix,
        )
        waiting = len(made)

        def connected() -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:  # the last one: from now on the cluster is there
                self._line = shards
                for message in self._outbox.take_back():
                    shards.of(message.topic).outbox.adopt(message)
                for topic in self._topics.keys() - known:  # subscribed in the meantime
                    shards.of(topic).line.subscribe_again(topic)
                for topic in known - self._topics.keys():
                    shards.unsubscribe(topic)
                backoff.reset()
                receiver.connected()

        known = set(self._topics)
        await together(
            *(
                shard.line.run([one for one in known if shards.of(one) is shard], connected)
                for shard in made.values()
            )
        )

    def _let_go(self, error: Exception) -> None:
        """Lose what was sent, and keep what waits for the next time."""
        shards, self._line = self._line, None
        for shard in () if shards is None else shards.all():
            shard.outbox.lose(error)
            for message in shard.outbox.take_back():
                self._outbox.adopt(message)
        self._outbox.lose(error)


def _slot_of(channel: str) -> int:
    return cast("int", cast("Any", key_slot)(channel.encode()))


def places_of_cluster(url: str) -> list[Place]:
    """Return the servers that an address of a cluster names.

    Raises:
        ValueError: it cannot be read.
    """
    places, path = places_of(url)
    if path not in {"", "0"}:
        raise ValueError("a cluster has one database, number 0")
    return [
        one.at(one.arguments.get("host", "localhost"), one.arguments.get("port", _PORT))
        for one in places
    ]


def redis_cluster(url: str) -> Callable[[], RedisCluster]:
    """Return what makes the backend of an address.

    Raises:
        ValueError: it cannot be read.
    """
    places = places_of_cluster(url)
    return lambda: RedisCluster(places)
