"""Publishing to Redis without an event loop: redis-py's own pool of connections for each address.

The pool may be used in any thread, and a process that was forked gets connections of its own.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import redis as library
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel

from sock.pubsub.gap import BackendDown

from .redis import PLAIN_SCHEMES, place_of, sentinels_of
from .redis_cluster import places_of_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMEOUT: Final = 5.0
"""Seconds for a server to take a connection, and to answer."""

# A second attempt might publish a message twice.
_ONCE: Final[dict[str, Any]] = {"socket_timeout": _TIMEOUT, "retry": Retry(NoBackoff(), 0)}


def publishing(url: str) -> Callable[[str, bytes], None]:
    """Return what publishes bytes on a topic, and raises `BackendDown`."""
    client, prefix = _client(url)
    is_cluster = isinstance(client, RedisCluster)
    send: Callable[[str, bytes], object] = client.spublish if is_cluster else client.publish

    def publish(topic: str, data: bytes) -> None:
        try:
            send(prefix + topic, data)
        except (OSError, RedisError) as error:
            raise BackendDown(str(error)) from error

    return publish


@functools.lru_cache(maxsize=64)
def _client(url: str) -> tuple[Any, str]:
    if url.partition(":")[0] in PLAIN_SCHEMES:
        place = place_of(url)
        arguments = place.arguments | _ONCE
        kinds: dict[Any, Any] = {
            SSLConnection: library.SSLConnection,
            UnixDomainSocketConnection: library.UnixDomainSocketConnection,
        }
        kind = kinds.get(place.kind, library.Connection)
        pool: Any = library.ConnectionPool(connection_class=kind, **arguments)
        return library.Redis(connection_pool=pool), place.prefix
    if url.partition(":")[0].endswith("+cluster"):
        places = places_of_cluster(url)
        login = {
            name: value
            for name, value in (places[0].arguments | _ONCE).items()
            if name not in {"host", "port"}
        }
        node: Any = ClusterNode
        nodes = [node(one.arguments["host"], one.arguments["port"]) for one in places]
        cluster: Any = RedisCluster
        secure = places[0].kind is SSLConnection
        return cluster(startup_nodes=nodes, ssl=secure, **login), places[0].prefix
    found = sentinels_of(url)
    options = found.options | _ONCE
    make: Any = Sentinel
    sentinel = make(found.hosts, sentinel_kwargs=options)
    login = {
        name: value
        for name, value in (found.master.arguments | _ONCE).items()
        if name not in {"host", "port"}
    }
    client = sentinel.master_for(found.name, ssl=found.master.kind is SSLConnection, **login)
    return client, found.master.prefix
