"""The HTTP request that asks for a connection. It is cheap to make, and parsed when it is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast, final
from urllib.parse import parse_qsl, unquote

from .host import NO_HOST, Host
from .masking import masked_headers, masked_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .tls import TLSInfo

# The escapes in a quoted cookie: bytes as octal numbers, or a character that stands for itself.
_ESCAPED = re.compile(r"((?:\\[0-3][0-7]{2})+)|\\(.)")

Address: TypeAlias = tuple[str, int]
RawHeader: TypeAlias = tuple[bytes, bytes]

_NO_PARAMS: Final[Mapping[str, Any]] = MappingProxyType({})


class Peer(Protocol):
    """An object that knows both addresses of a connection, also after its end."""

    @property
    def client(self) -> Address | None:
        """Host and port of the peer."""
        ...

    @property
    def server(self) -> Address | None:
        """Host and port that the peer has connected to."""
        ...

    @property
    def tls(self) -> TLSInfo | None:
        """What was agreed, where the connection is encrypted; else None."""
        ...


class MultiMapping(Mapping[str, str]):
    """A read-only mapping in which a name may have several values; `[name]` is the first.

    It equals another one that has the same values for each name, in the same order; the order of
    the names does not matter. It equals a plain mapping if no name has several values.

    >>> colours = MultiMapping([("c", "red"), ("c", "blue")])
    >>> colours["c"], colours.get_all("c"), len(colours)
    ('red', ['red', 'blue'], 1)
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(self._key(name), []).append(value)

    def get_all(self, name: str) -> list[str]:
        """Return every value of a name, in order; an empty list if there is none."""
        return list(self._values.get(self._key(name), ()))

    def pairs(self) -> list[tuple[str, str]]:
        """Return every name with every value, those of one name together."""
        return [(name, value) for name, values in self._values.items() for value in values]

    def __getitem__(self, name: str) -> str:
        return self._values[self._key(name)][0]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._key(name) in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MultiMapping):
            return self._values == other._values
        if isinstance(other, Mapping):
            entries = cast("Mapping[object, object]", other)
            return len(self) == len(entries) and all(
                isinstance(name, str) and self.get_all(name) == [value]
                for name, value in entries.items()
            )
        return NotImplemented

    # As for a dict: an object that may equal a dict cannot share a hash with it.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.pairs()!r})"

    @staticmethod
    def _key(name: str) -> str:
        return name


@final
class Headers(MultiMapping):
    """Header fields. A name is looked up in any case, and iterated in lower case.

    >>> headers = Headers([("Accept", "text/html"), ("accept", "*/*")])
    >>> headers["ACCEPT"], headers.get_list("accept")
    ('text/html', ['text/html', '*/*'])

    RFC 9110 §5.
    """

    __slots__ = ()

    def get_list(self, name: str) -> list[str]:
        """Return the elements of a comma-separated list, of all fields with that name.

        A comma in a quoted string is not recognized as such. RFC 9110 §5.6.1.
        """
        elements = (
            element.strip(" \t") for value in self.get_all(name) for element in value.split(",")
        )
        return [element for element in elements if element]

    def __repr__(self) -> str:
        return f"Headers({list(masked_headers(self.pairs()))!r})"

    @staticmethod
    def _key(name: str) -> str:
        return name.lower()


class Request:
    """The request that asks for a connection, or for an ordinary answer.

    Args:
        method: upper case, as in the request line.
        target: as in the request line: path and query, encoded; or an absolute URI, or "*".
        raw_headers: pairs of name and value, as they were received.
        http_version: "1.1", "2" …
        scheme: "http" or "https", of this connection.
        client: host and port of the peer; None if the host does not know.
        server: host and port that the peer has connected to; None if the host does not know.
        path_params: the values that a router has found in the path.
        root_path: the part of the path, decoded, below which the application is mounted. It is not
            in `path`.
        body: of an ordinary request; a request for a connection has none.
        host: who hosts the application.
        tls: the TLS of this connection; None where there is none, or the host does not know.

    >>> request = Request("GET", "/rooms/7%20b?name=ada", [(b"Cookie", b"a=1; b=2")])
    >>> request.path, request.query["name"], request.cookies["b"]
    ('/rooms/7 b', 'ada', '2')

    RFC 9110 §6, RFC 9112 §3.
    """

    __slots__ = (
        "_client",
        "_cookies",
        "_headers",
        "_id",
        "_path",
        "_peer",
        "_query",
        "_raw",
        "_server",
        "_state",
        "body",
        "host",
        "http_version",
        "method",
        "notable",
        "path_params",
        "root_path",
        "scheme",
        "target",
        "tls",
    )

    def __init__(
        self,
        method: str = "GET",
        target: str = "/",
        raw_headers: Sequence[RawHeader] = (),
        *,
        http_version: str = "1.1",
        scheme: str = "http",
        client: Address | None = None,
        server: Address | None = None,
        path_params: Mapping[str, Any] | None = None,
        root_path: str = "",
        body: bytes = b"",
        host: Host = NO_HOST,
        tls: TLSInfo | None = None,
    ) -> None:
        self.method = method
        self.target = target
        self.http_version = http_version
        self.scheme = scheme
        self.path_params: Mapping[str, Any] = path_params or _NO_PARAMS
        """The values that routers have found in the path, by their names."""
        self.root_path = root_path
        """The part of the path, decoded, below which the application is mounted; mostly empty."""
        self.body = body
        """The body without its transfer coding, at most `max_body_size` bytes; may be empty."""
        self.host = host
        """Who hosts the application: the same value for all requests of a host."""
        self.tls = tls
        """The TLS of this connection, with the certificate of the peer; None where there is none,
        or where the host does not know."""
        self.notable: dict[str, list[str]] | None = None
        """The fields that decide about a handshake, while one is under way. For hosts."""
        self._raw: Sequence[RawHeader] | bytes = raw_headers
        self._peer: Peer | None = None
        self._client = client
        self._server = server
        self._id: str | None = None
        self._headers: Headers | None = None
        self._path: str | None = None  # where it is not that of the target
        self._query: MultiMapping | None = None
        self._cookies: MultiMapping | None = None
        self._state: dict[str, Any] | None = None

    @classmethod
    def of_head(
        cls,
        method: str,
        target: str,
        fields: bytes,
        *,
        http_version: str,
        peer: Peer | None,
        host: Host = NO_HOST,
    ) -> Request:
        """Make a request of the bytes of a head, which are parsed when they are needed. For hosts.

        Args:
            method: upper case.
            target: as in the request line.
            fields: the lines between the request line and the empty line, which are known to be
                valid.
            http_version: of the request line.
            peer: knows the addresses, and is asked when they are needed, and the TLS of the
                connection; None if nobody knows them.
            host: who hosts the application.
        """
        request = cls(method, target, http_version=http_version, host=host)
        request._raw = fields
        request._peer = peer
        if peer is not None and peer.tls is not None:
            request.tls = peer.tls
            request.scheme = "https"
        return request

    @property
    def id(self) -> str:
        """The name of this request, and of the connection that it becomes, in logs.

        It is random, 16 hexadecimal digits, and made when it is first read. Middleware behind a
        proxy that it trusts may set it, for example to the proxy's `X-Request-ID`.
        """
        if self._id is None:
            self._id = os.urandom(8).hex()
        return self._id

    @id.setter  # noqa: A003 - it is the property above
    def id(self, name: str) -> None:
        self._id = name

    @property
    def raw_headers(self) -> Sequence[RawHeader]:
        """Pairs of name and value, as they were received."""
        raw = self._raw
        # These pairs are not kept; `headers` keeps its own.
        return split_fields(raw) if isinstance(raw, bytes) else raw

    @raw_headers.setter
    def raw_headers(self, pairs: Sequence[RawHeader]) -> None:
        self._raw = pairs
        self._headers = self._cookies = self.notable = None

    @property
    def client(self) -> Address | None:
        """Host and port of the peer; None if the host does not know."""
        self._ask_peer()
        return self._client

    @client.setter
    def client(self, address: Address | None) -> None:
        self._ask_peer()
        self._client = address

    @property
    def server(self) -> Address | None:
        """Host and port that the peer has connected to; None if the host does not know."""
        self._ask_peer()
        return self._server

    @server.setter
    def server(self, address: Address | None) -> None:
        self._ask_peer()
        self._server = address

    def _ask_peer(self) -> None:
        if self._peer is not None:
            self._client, self._server, self._peer = self._peer.client, self._peer.server, None

    @property
    def path(self) -> str:
        """The path, percent-decoded: an encoded slash looks like any other slash.

        Where the application is mounted, it is the part behind `root_path`. An absolute target has
        its own path in it (RFC 9112 §3.2.2); "*" stays "*" (§3.2.4).
        """
        if self._path is not None:
            return self._path
        target = self.target.partition("?")[0]
        if not target.startswith("/"):
            scheme, absolute, rest = target.partition("://")
            if absolute and scheme:
                target = "/" + rest.partition("/")[2]
        return unquote(target)

    @path.setter
    def path(self, path: str) -> None:
        self._path = path

    @property
    def query(self) -> MultiMapping:
        """The query, decoded; a name may have several values."""
        if self._query is None:
            query = self.target.partition("?")[2]
            self._query = MultiMapping(parse_qsl(query, keep_blank_values=True))
        return self._query

    @property
    def headers(self) -> Headers:
        """The header fields; a name may have several values.

        A value is decoded as UTF-8 if it is valid UTF-8, otherwise as Latin-1 (RFC 9110 §5.5).
        """
        if self._headers is None:
            self._headers = Headers(
                (name.decode("latin-1"), text_of(value)) for name, value in self.raw_headers
            )
        return self._headers

    @property
    def cookies(self) -> MultiMapping:
        """The cookies, unquoted. A part that is not a cookie is left out (RFC 6265 §5.4).

        Each is decoded as UTF-8, as browsers write it, if it is valid UTF-8, otherwise as Latin-1.
        """
        if self._cookies is None:
            fields = (value for name, value in self.raw_headers if name.lower() == b"cookie")
            self._cookies = MultiMapping(_cookies(fields))
        return self._cookies

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that the peer offers, the preferred one first (RFC 6455 §4.1)."""
        return self.headers.get_list("sec-websocket-protocol")

    @property
    def state(self) -> dict[str, Any]:
        """A dictionary in which middleware leaves values for the application, such as a user."""
        if self._state is None:
            self._state = {}
        return self._state

    def __repr__(self) -> str:
        # Without the values of its query, because this may end in a log: asyncio's debug mode logs
        # the arguments of each slow callback.
        return f"Request({self.method!r}, {masked_target(self.target)!r})"


def split_fields(fields: bytes) -> list[RawHeader]:
    r"""Return the fields of a head, without the spaces around their values (RFC 9112 §5).

    Args:
        fields: the lines between the request line and the empty line, which are known to be valid.

    >>> split_fields(b"Host: example.com\r\nAccept:*/*\r\n")
    [(b'Host', b'example.com'), (b'Accept', b'*/*')]
    """
    pairs: list[RawHeader] = []
    for line in fields.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            pairs.append((name, value.strip(b" \t")))
    return pairs


def text_of(value: bytes) -> str:
    r"""Return the value of a field as text: UTF-8 if it is valid UTF-8, otherwise Latin-1.

    >>> text_of("日本".encode()), text_of(b"J\xfcrgen")
    ('日本', 'Jürgen')

    RFC 9110 §5.5: "obs-text" may be any bytes. Latin-1 was usual; browsers write UTF-8.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _cookies(fields: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for field in fields:
        for pair in field.split(b";"):
            name, equals, value = pair.strip(b" \t").partition(b"=")
            if equals and name:
                yield text_of(name.strip(b" \t")), _unquoted(text_of(value.strip(b" \t")))


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    # RFC 6265 §4.1.1 knows no escapes, but http.cookies writes them for bytes of Latin-1, and so do
    # most Python programs; Werkzeug, and so Flask and Quart, writes them for bytes of UTF-8.
    return _ESCAPED.sub(_unescaped, value[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2]
    return text_of(bytes(int(octal, 8) for octal in match[1].split("\\")[1:]))
