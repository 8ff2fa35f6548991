"""What one address may have of a server: so many connections, and so many handshakes a second.

    a valid handshake comes from an address              what is done
    ---------------------------------------------------  ------------------------------
    that has had its handshakes of this second           429, Retry-After
    that has as many connections as it may have          429, Retry-After
    of neither kind                                      it is counted until its end
    that is not known, such as that of a Unix socket     it is not counted

It is 429 and not 503: a proxy takes a 503 for the state of the whole server, and may send nobody
there for a while.
"""

from __future__ import annotations

import math
import socket
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeAlias, final

from sock.engine.token_bucket import TokenBucket
from sock.spec import HandshakeError

if TYPE_CHECKING:
    from sock.spec import Options
    from sock.spec.request import Address

    Network: TypeAlias = str | bytes

_BURST: Final = 10.0
"""Seconds whose handshakes may come at once: a household or an office comes back from a deploy."""

_MAX_BUCKETS: Final = 65_536
"""Addresses whose handshakes are counted, about 20 MB. Of more, those are forgotten that have been
silent for the longest: their buckets are the fullest."""

_RETRY_CONNECTION: Final = 5
"""Seconds until somebody with too many connections should come again."""

_IPV4_IN_IPV6: Final = bytes(10) + b"\xff\xff"


@final
class AddressLimits:
    """Counts the connections and the handshakes of each address.

    Args:
        options: of the server.
        workers: how many processes serve: each of them has its share of both limits, because the
            kernel spreads the connections of an address over all of them.
    """

    def __init__(self, options: Options, workers: int) -> None:
        most, rate = options.max_connections_per_ip, options.handshake_rate_per_ip
        self._max_connections = None if most is None else share(most, workers)
        self._rate = None if rate is None else rate / workers
        self._networks: dict[object, Network] = {}
        """Of each exchange and of each link that is counted."""
        self._connections: dict[Network, int] = {}
        self._buckets: OrderedDict[Network, TokenBucket] = OrderedDict()

    def limit(self, options: Options, workers: int) -> None:
        """Change the shares, because there are more or fewer workers now."""
        changed = AddressLimits(options, workers)
        self._max_connections, self._rate = changed._max_connections, changed._rate
        self._buckets.clear()  # they are filled at the rate that they were made with

    def admit(self, holder: object, address: Address | None, now: float) -> None:
        """Count a handshake, and its connection until `release`.

        Args:
            holder: to whom the connection belongs from now on.
            address: of the peer; None is not counted.
            now: seconds of the event loop's clock.

        Raises:
            HandshakeError: there are too many from there (429).
        """
        if address is None:
            return
        network = network_of(address[0])
        if self._rate is not None:
            self._count_handshake(network, self._rate, now)
        if self._max_connections is not None:
            count = self._connections.get(network, 0)
            if count >= self._max_connections:
                raise _too_many("connections", _RETRY_CONNECTION)
            self._connections[network] = count + 1
            self._networks[holder] = network

    def move(self, holder: object, heir: object) -> None:
        """Let a connection belong to somebody else: from an exchange to a link."""
        network = self._networks.pop(holder, None)
        if network is not None:
            self._networks[heir] = network

    def release(self, holder: object) -> None:
        """Count a connection no longer. Does nothing if it was not counted."""
        network = self._networks.pop(holder, None)
        if network is None:
            return
        count = self._connections[network] - 1
        if count:
            self._connections[network] = count
        else:
            del self._connections[network]

    def _count_handshake(self, network: Network, rate: float, now: float) -> None:
        bucket = self._buckets.get(network)
        if bucket is None:
            if len(self._buckets) >= _MAX_BUCKETS:
                self._buckets.popitem(last=False)
            bucket = self._buckets[network] = TokenBucket(rate, max(1.0, _BURST * rate), now)
        else:
            self._buckets.move_to_end(network)
        if not bucket.take(now):
            raise _too_many("handshakes", max(1, math.ceil(bucket.wait(now))))


def share(limit: int, workers: int) -> int:
    """Return what one of several workers may have of a limit, at least one.

    >>> share(10, 4), share(2, 4)
    (3, 1)
    """
    return -(-limit // workers)


def network_of(host: str) -> Network:
    """Return what an address counts as.

    One customer of a provider has a whole /64 of IPv6, 2^64 addresses (RFC 6177 §2), so those count
    as one. An IPv4 address counts as itself, also in the form in which an IPv6 socket shows it.

    >>> network_of("192.0.2.7"), network_of("::ffff:192.0.2.7")
    ('192.0.2.7', '192.0.2.7')
    >>> network_of("2001:db8::1") == network_of("2001:db8::2:0:0:7") != network_of("2001:db8:1::1")
    True
    """
    if ":" not in host:
        return host
    try:
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except (OSError, ValueError):  # a proxy may name its client in a way of its own
        return host
    if packed.startswith(_IPV4_IN_IPV6):
        return socket.inet_ntoa(packed[len(_IPV4_IN_IPV6) :])
    return packed[:8]


def _too_many(what: str, seconds: int) -> HandshakeError:
    detail = f"too many {what} from this address (RFC 6585 §4)"
    return HandshakeError(429, detail, [("Retry-After", str(seconds))])
