"""What a proxy says of the connection in front of it: `Forwarded` and `X-Forwarded-…`.

Anybody can send these fields, so only those of a trusted proxy are believed. Each proxy appends the
address from which it got the request. So the chain is read from its right end, the nearest proxy,
as long as the addresses are trusted; the first one that is not is the client. What is left of it
may be forged, and is not read.

    the request                                              what is believed
    -------------------------------------------------------  ---------------------------------------
    comes from an address that is not trusted                nothing
    has neither kind of field                                nothing
    has one kind                                             that one
    has both, and both name the same client                  X-Forwarded-…
    has both, and they differ: a client may have sent one    nothing
    an entry of the chain is no address, such as "unknown"   the client is the proxy that says so
    a scheme or a host that is none                          that one is left out

RFC 7239.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, final

from sock import telemetry
from sock.spec.origin import parse_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from sock.spec import Request
    from sock.spec.request import Address

DEFAULT: Final = "127.0.0.1,::1,unix"
"""The proxies that are trusted unless others are named: those on the same machine."""

FIELDS: Final = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
"""The fields that are read, in lower case."""

Fields: TypeAlias = "Mapping[str, Sequence[str]]"
"""The values of fields by their names in lower case, as `wire.handshake.notable` returns them."""

_MAX_PROXIES: Final = 32
"""Entries of a chain that are read. No chain of real proxies is that long."""

_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

# RFC 7239 §4: "forwarded-pair = token "=" value", with a value that is a token or a quoted string.
_PAIR: Final = re.compile(
    r"""[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s",;=]*)[ \t]*"""
)
_ESCAPED: Final = re.compile(r"\\(.)")

# RFC 7239 §6: an IPv4 address, or an IPv6 address in brackets, and perhaps a port, which may be
# hidden ("_" and a name). X-Forwarded-For has IPv6 addresses without brackets too.
_WITH_PORT: Final = re.compile(
    r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::([0-9]{1,5}|_[A-Za-z0-9._\-]+))?"
)


@final
class Hop(NamedTuple):
    """What one proxy says of the connection on which it got the request; None where it says not.

    Attributes:
        client: the other end of that connection.
        scheme: "http" or "https".
        host: the field Host, or ":authority", that came on it.
    """

    client: Address | None
    scheme: str | None
    host: str | None


_NOTHING: Final = Hop(None, None, None)


@final
class Trusted:
    """The addresses that are believed.

    Args:
        text: addresses and networks, with commas between them; "unix" for the peers on Unix
            sockets, "*" for everybody.

    Raises:
        ValueError: an entry is none of these.

    >>> trusted = Trusted("127.0.0.1, 10.0.0.0/8")
    >>> trusted.trusts("10.1.2.3"), trusted.trusts("203.0.113.7"), trusted.trusts(None)
    (True, False, False)
    """

    def __init__(self, text: str) -> None:
        self._everybody = False
        self._unix = False
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in re.split(r"[,\s]+", text.strip(", \t")) if text.strip(", \t") else ():
            if entry == "*":
                self._everybody = True
            elif entry == "unix":
                self._unix = True
            else:
                self._networks.append(_network(entry))
        # The proxies of a server are few, and each opens many connections.
        self._trusts = lru_cache(maxsize=1024)(self._is_listed)

    def __bool__(self) -> bool:
        """Tell whether anybody is trusted."""
        return self._everybody or self._unix or bool(self._networks)

    def trusts(self, host: str | None) -> bool:
        """Tell whether an address is trusted; None is that of a peer on a Unix socket."""
        if self._everybody:
            return True
        return self._unix if host is None else self._trusts(host)

    def _is_listed(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        if "host bits" in str(error):
            raise ValueError(
                f"{entry!r} is an address within a network: the network is"
                f" {ip_network(entry, strict=False)}"
            ) from None
        raise ValueError(
            f"{entry!r} is no address, such as 10.0.0.1, no network, such as 10.0.0.0/8, and"
            " neither unix nor *"
        ) from None


def apply(trusted: Trusted, request: Request, fields: dict[str, list[str]]) -> None:
    """Write what is believed into a request: client and scheme, and the host into its fields.

    Args:
        trusted: who is believed.
        request: as it came.
        fields: those by which the host decides, at least one of `FIELDS` among them; "host" is
            what an Origin is compared with.
    """
    hop = believed(trusted, request.client, fields)
    if hop is _NOTHING:
        telemetry.emit(
            "forwarded.ignored",
            client=request.client,
            fields=[name for name in FIELDS if name in fields],
            trusted=trusted.trusts(None if request.client is None else request.client[0]),
        )
    if hop.client is not None:
        request.client = hop.client
    if hop.scheme is not None:
        request.scheme = hop.scheme
    if hop.host is not None:
        fields["host"] = [hop.host]


def believed(trusted: Trusted, peer: Address | None, fields: Fields) -> Hop:
    """Return what is believed about the client of a request.

    Args:
        trusted: who is believed.
        peer: the other end of the connection; None on a Unix socket.
        fields: of the request.
    """
    if not trusted.trusts(None if peer is None else peer[0]):
        return _NOTHING
    usual = _usual(trusted, fields) if any(name in fields for name in FIELDS[1:]) else None
    standard = _standard(trusted, fields["forwarded"]) if "forwarded" in fields else None
    if usual is None or standard is None:
        return usual or standard or _NOTHING
    if usual.client is None or standard.client is None or usual.client[0] != standard.client[0]:
        return _NOTHING
    return usual


def _usual(trusted: Trusted, fields: Fields) -> Hop:
    """Return what X-Forwarded-For, -Proto and -Host say."""
    client: Address | None = None
    passed = 0  # proxies behind which the client is
    for entry in reversed(_entries(fields.get("x-forwarded-for", ()))):
        address = _address(entry)
        if address is None:
            break
        client = address
        passed += 1
        if not trusted.trusts(client[0]):
            break
    return Hop(
        client,
        _scheme(_said_before(passed, _entries(fields.get("x-forwarded-proto", ())))),
        _host(_said_before(passed, _entries(fields.get("x-forwarded-host", ())))),
    )


def _entries(values: Sequence[str]) -> list[str]:
    """Return the last entries of a list that may be divided into several fields."""
    return [one.strip(" \t") for one in ",".join(values).rsplit(",", _MAX_PROXIES)[-_MAX_PROXIES:]]


def _said_before(passed: int, entries: list[str]) -> str:
    """Return what the proxy has said that names the client.

    Proxies that append an address often replace the scheme. So there may be fewer schemes than
    addresses; the first one is then meant.
    """
    return entries[-min(max(passed, 1), len(entries))]


def _standard(trusted: Trusted, values: Sequence[str]) -> Hop:
    """Return what Forwarded says."""
    found = _NOTHING
    for element in _elements(values):
        client = _address(element.get("for", ""))
        # A proxy may hide the address (RFC 7239 §6.3), and still name the scheme and the host.
        scheme, host = _scheme(element.get("proto", "")), _host(element.get("host", ""))
        found = Hop(client or found.client, scheme, host)
        if client is None or not trusted.trusts(client[0]):
            break
    return found


def _elements(values: Sequence[str]) -> Iterator[dict[str, str]]:
    """Give the elements of Forwarded, the last one first, up to one that is malformed."""
    count = 0
    for value in reversed(values):
        elements = _parsed(value)
        if elements is None:
            return
        for element in reversed(elements):
            yield element
            count += 1
            if count == _MAX_PROXIES:
                return


def _parsed(value: str) -> list[dict[str, str]] | None:
    """Return the elements of one field; None if it is malformed. RFC 7239 §4."""
    elements: list[dict[str, str]] = [{}]
    at, may_begin = 0, True
    while at < len(value):
        if value[at] in ",;":
            if value[at] == ",":
                elements.append({})
            at, may_begin = at + 1, True
            continue
        pair = _PAIR.match(value, at)
        if pair is None:
            if value[at:].strip(" \t"):
                return None
            break
        name, text = pair[1].lower(), pair[2]
        # RFC 7239 §4: "Each parameter MUST NOT occur more than once per field-value."
        if not may_begin or name in elements[-1]:
            return None
        elements[-1][name] = _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text
        at, may_begin = pair.end(), False
    return [element for element in elements if element]


def _address(text: str) -> Address | None:
    """Return the address that an entry names, with port 0 where it has none; None if it is none."""
    found = _WITH_PORT.fullmatch(text)
    host, port = text, ""
    if found is not None:
        host, port = found[1] or found[2], found[3] or ""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    number = int(port) if port.isdigit() else 0
    return (str(address), number) if number <= 65535 else None


def _scheme(text: str) -> str | None:
    return _SCHEMES.get(text.lower())


def _host(text: str) -> str | None:
    return text if parse_host(text) is not None else None
