"""The PROXY protocol, versions 1 and 2: a proxy says first whose connection it passes on.

    in       what comes                               what is done                         then
    -------  ---------------------------------------  -----------------------------------  -------
    WAITING  a part of a header                       kept, 536 bytes at most              WAITING
    WAITING  a whole header with an address           the pipe has that address            GONE
    WAITING  a whole header without one, of a check   the pipe keeps its own address       GONE
    WAITING  bytes that are no header                 reported, and TCP is closed          CLOSED
    WAITING  FIN, time is up, or the drain            TCP is closed                        CLOSED

GONE means that another receiver reads the pipe: that of HTTP, or of TLS. It gets the bytes behind
the header. What a proxy adds to a version 2 header (its TLVs) is skipped.

https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
"""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, final

from sock import telemetry
from sock.live.held import Held
from sock.loop import Pipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.loop import Alarm, Receiver
    from sock.spec.request import Address

    from .service import Service

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
"""The twelve bytes with which version 2 begins, §2.2."""

MAX_LINE: Final = 107
"""Bytes of a line of version 1 at most, with its CRLF, §2.1."""

MAX_SIZE: Final = 4096
"""Bytes of a header of version 2 that are taken, TLVs included."""

_LINE: Final = re.compile(
    rb"PROXY (?:(UNKNOWN)[^\r\n]*"
    rb"|(TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) ([0-9]{1,5}) ([0-9]{1,5}))\r\n"
)

_LOCAL: Final = 0x20
"""Version and command of a connection that the proxy makes for itself, such as a check."""

_PROXY: Final = 0x21

# §2.2: the byte for family and transport, and what an address of this kind is and takes.
_KINDS: Final[dict[int, tuple[int | None, int]]] = {
    0x11: (socket.AF_INET, 4),
    0x21: (socket.AF_INET6, 16),
    0x31: (None, 108),
}


class AddressablePipe(Pipe, Protocol):
    """A pipe over a socket, whose addresses may be replaced by those that a proxy names."""

    @property
    def client(self) -> Address | None:
        """Host and port of the peer."""
        ...

    @client.setter
    def client(self, address: Address | None, /) -> None: ...

    @property
    def server(self) -> Address | None:
        """Host and port that the peer has connected to."""
        ...

    @server.setter
    def server(self, address: Address | None, /) -> None: ...


class BadHeader(Exception):
    """The bytes are no header of the PROXY protocol."""


class Header(NamedTuple):
    """A whole header.

    Attributes:
        size: in bytes.
        client: whose connection is passed on; None if the proxy does not say.
        server: where the client has connected to; None if the proxy does not say.
        nameless: whether the client has no address, because it is on a Unix socket.
    """

    size: int
    client: Address | None
    server: Address | None
    nameless: bool = False


@final
class ProxyHeader:
    """The receiver of an accepted pipe, until its header has come.

    Args:
        service: counts it among its connections.
        pipe: to the proxy; gets the addresses that the header names.
        connect: is called with the pipe then, and returns the receiver that reads it.
    """

    __slots__ = ("_alarm", "_connect", "_data", "_pipe", "_service")

    def __init__(
        self, service: Service, pipe: AddressablePipe, connect: Callable[[Pipe], Receiver]
    ) -> None:
        self._service = service
        self._pipe = pipe
        self._connect = connect
        self._data = b""
        seconds = service.options.handshake_timeout
        self._alarm: Alarm | None = (
            None if seconds is None else service.reactor.after(seconds, self._time_is_up)
        )
        service.http_begun(self)

    # The receiver of the pipe.

    def received(self, data: bytes, /) -> None:
        """Read the header, and let another receiver read what comes behind it."""
        self._data += data
        try:
            header = parse(self._data)
        except BadHeader as error:
            self._reject(str(error))
            return
        if header is None:
            return
        if header.client is not None or header.nameless:
            self._pipe.client, self._pipe.server = header.client, header.server
        rest = self._data[header.size :]
        self._release()
        receiver = self._pipe.receiver = self._connect(self._pipe)
        if rest:
            receiver.received(rest)

    def ended(self) -> None:
        """Close: nothing more will come."""
        self._pipe.close()

    def drained(self) -> None:
        """Do nothing: nothing was sent."""

    def lost(self) -> None:
        """Let go of everything."""
        self._release()

    # Called by the drain.

    def shutdown(self) -> None:
        """Close: no request has begun."""
        self._pipe.close()

    @property
    def request(self) -> None:
        """No request: the header comes before it."""

    def held_by(self) -> Held:
        """Return what holds up the end of this connection: a proxy that does not close it."""
        return Held("peer", pending=self._pipe.pending)

    def cut(self) -> None:
        """Cut the connection."""
        self._pipe.abort()

    # Internal.

    def _reject(self, problem: str) -> None:
        client = self._pipe.client
        telemetry.emit("proxy.refused", client=client, detail=problem)
        self._data = b""
        self._pipe.abort()

    def _time_is_up(self) -> None:
        self._reject("no whole header came in time")

    def _release(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._data = b""
        self._service.http_over(self)


def parse(data: bytes) -> Header | None:
    r"""Return the header with which bytes begin; None when more bytes are needed.

    Raises:
        BadHeader: the bytes begin with no header.

    >>> parse(b"PROXY TCP4 203.0.113.7 198.51.100.1 50000 443\r\nGET /").client
    ('203.0.113.7', 50000)
    """
    if data[:1] == SIGNATURE[:1]:
        return _parse_binary(data)
    return _parse_line(data)


def _parse_line(data: bytes) -> Header | None:
    begin = b"PROXY "
    if data[: len(begin)] != begin[: len(data)]:
        raise BadHeader("the connection begins with no header of the PROXY protocol")
    end = data.find(b"\r\n", 0, MAX_LINE)
    if end < 0:
        if len(data) >= MAX_LINE:
            raise BadHeader(f"the line has more than {MAX_LINE} bytes")
        return None
    size = end + 2
    line = _LINE.fullmatch(data, 0, size)
    if line is None:
        raise BadHeader("the line is malformed")
    if line[1] is not None:
        return Header(size, None, None)
    version = 4 if line[2] == b"TCP4" else 6
    client = _named(version, line[3], line[5])
    server = _named(version, line[4], line[6])
    return Header(size, client, server)


def _named(version: int, host: bytes, port: bytes) -> Address:
    try:
        address = ip_address(host.decode())
    except ValueError:
        raise BadHeader("an address in the line is none") from None
    number = int(port)
    if address.version != version or number > 65535:
        raise BadHeader("an address in the line is none of its kind")
    return str(address), number


def _parse_binary(data: bytes) -> Header | None:
    if data[:12] != SIGNATURE[: len(data)]:
        raise BadHeader("the connection begins with no header of the PROXY protocol")
    if len(data) < 16:
        return None
    command, kind = data[12], data[13]
    size = 16 + int.from_bytes(data[14:16], "big")
    if command not in {_LOCAL, _PROXY}:
        raise BadHeader(f"the version and the command are 0x{command:02x}")
    if size > MAX_SIZE:
        raise BadHeader(f"the header has {size} bytes, more than {MAX_SIZE}")
    if len(data) < size:
        return None
    if command == _LOCAL or kind not in _KINDS:
        # §2.2: "the receiver MUST accept this connection as valid and MUST use the real connection
        # endpoints", and for an unsupported kind it should do so.
        return Header(size, None, None)
    family, length = _KINDS[kind]
    if size - 16 < 2 * length + (0 if family is None else 4):
        raise BadHeader("the header is too short for its addresses")
    if family is None:
        return Header(size, None, None, nameless=True)
    at = 16 + 2 * length
    return Header(
        size,
        (
            socket.inet_ntop(family, data[16 : 16 + length]),
            int.from_bytes(data[at : at + 2], "big"),
        ),
        (
            socket.inet_ntop(family, data[16 + length : at]),
            int.from_bytes(data[at + 2 : at + 4], "big"),
        ),
    )
