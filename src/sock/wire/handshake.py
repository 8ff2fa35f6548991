"""The server's side of the opening handshake. RFC 6455 §4.2, RFC 9110, RFC 9112."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, TypeAlias, final

from sock.spec.errors import HandlerError, HandshakeError
from sock.spec.masking import masked_subprotocol
from sock.spec.origin import is_listed, parse_host, parse_origin

from .deflate import Agreement, negotiate
from .extension import parse
from .key import accept_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec.options import Options
    from sock.spec.origin import Listed
    from sock.spec.request import RawHeader, Request
    from sock.spec.upgrade import Upgrade

VERSION: Final = "13"

_Fields: TypeAlias = "dict[str, list[str]]"
"""The values of the fields that decide a handshake, by their names in lower case."""

_HTTP_VERSION: Final = re.compile(r"1\.[1-9]")
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")  # RFC 4648 §4, of 16 bytes
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 9112 §3.2.2: a target in absolute form. The groups are its authority, and its path and query.
_ABSOLUTE: Final = re.compile(r"(?i:https?|wss?)://([^/?#]*)((?:[/?][^#]*)?)")

_NOTABLE: Final = {
    name.encode(): name
    for name in (
        "connection",
        "content-length",
        "expect",
        "forwarded",
        "host",
        "origin",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    )
}

# Fields that a proxy adds: those of RFC 7239 and RFC 9110 §7.6.3, and a usual one.
_OF_PROXIES: Final = frozenset((b"forwarded", b"via", b"x-real-ip"))
# RFC 6761 §6.3, RFC 6762, and the name that ICANN keeps for private use.
_INTERNAL: Final = (".localhost", ".local", ".internal")
_MAX_QUOTED: Final = 100

_VERSION_HEADERS: Final = (
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", VERSION),
)
_ACCEPTANCE: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)
# The host sets the first two, and a 101 has no body (RFC 9110 §8.6, RFC 9112 §6.1).
_RESERVED: Final = frozenset(("upgrade", "connection", "content-length", "transfer-encoding"))


@final
class Acceptance:
    """An accepted upgrade.

    Args:
        head: the bytes of the 101 response.
        agreement: how messages are compressed; None if they are not.
    """

    __slots__ = ("agreement", "head")

    def __init__(self, head: bytes, agreement: Agreement | None) -> None:
        self.head = head
        self.agreement = agreement


def notable(pairs: Iterable[RawHeader]) -> _Fields:
    """Return the values of the fields that decide a handshake, by their names in lower case.

    >>> notable([(b"HOST", b"a"), (b"Cookie", b"b"), (b"Upgrade", b"websocket")])
    {'host': ['a'], 'upgrade': ['websocket']}
    """
    found: _Fields = {}
    for name, value in pairs:
        known = _NOTABLE.get(name.lower())
        if known is not None:
            found.setdefault(known, []).append(value.decode("latin-1").strip(" \t"))
    return found


def asks_to_upgrade(request: Request) -> bool:
    """Return whether a request asks for a WebSocket connection, valid or not. RFC 9110 §7.8."""
    return _names(_fields(request), "upgrade", "websocket")


def split_target(target: str) -> tuple[str | None, str]:
    """Return the authority of a target, None if it has none, and the target in origin form.

    >>> split_target("http://example.com:80/chat?a=b")
    ('example.com:80', '/chat?a=b')
    >>> split_target("/chat")
    (None, '/chat')

    RFC 9112 §3.2.
    """
    match = None if target.startswith("/") else _ABSOLUTE.fullmatch(target)
    if match is None:
        return None, target
    return match[1], match[2] if match[2].startswith("/") else "/" + match[2]


def check(request: Request) -> str:
    """Check that a request is a valid opening handshake, and return its key.

    Raises:
        HandshakeError: it is not valid (400), or asks for something else (426).

    RFC 6455 §4.2.1.
    """
    if request.method != "GET":
        raise HandshakeError(
            400, f"the method is {_quoted(request.method)}, not GET (RFC 6455 §4.2.1)"
        )
    if request.http_version != "1.1" and not _HTTP_VERSION.fullmatch(request.http_version):
        raise HandshakeError(
            400, f"HTTP {_quoted(request.http_version)}, not 1.1 (RFC 6455 §4.2.1)"
        )
    fields = _fields(request)
    _host(request, fields)
    if not _names(fields, "upgrade", "websocket"):
        raise HandshakeError(
            426, "Upgrade does not name websocket (RFC 6455 §4.2.1)", _VERSION_HEADERS
        )
    if not _names(fields, "connection", "upgrade"):
        raise HandshakeError(
            426, "Connection does not name Upgrade (RFC 6455 §4.2.1)", _VERSION_HEADERS
        )
    version = _single(fields, "Sec-WebSocket-Version")
    if version != VERSION:
        # RFC 6455 §4.2.2: "an appropriate HTTP error code (such as 426 Upgrade Required) and a
        # |Sec-WebSocket-Version| header field".
        raise HandshakeError(
            426, f"version {_quoted(version)}, not 13 (RFC 6455 §4.4)", _VERSION_HEADERS
        )
    key = _single(fields, "Sec-WebSocket-Key")
    if not _KEY.fullmatch(key):
        raise HandshakeError(400, "Sec-WebSocket-Key is not 16 bytes in base64 (RFC 6455 §4.2.1)")
    _check_offers(fields)
    # The bytes behind the head would be taken for frames, not for a body. RFC 9110 §9.3.1 says of
    # content in a GET: "its potential as a request smuggling attack".
    if "transfer-encoding" in fields:
        raise HandshakeError(400, "Transfer-Encoding in an opening handshake (RFC 9110 §9.3.1)")
    lengths = fields.get("content-length")
    if lengths is not None and any(length != "0" for length in lengths):
        raise HandshakeError(400, "a body in an opening handshake (RFC 9110 §9.3.1)")
    return key


def check_origin(request: Request, origins: tuple[Listed, ...]) -> None:
    """Allow the pages of the host itself and of the listed origins, and refuse all other pages.

    Args:
        request: a request that `check` has found valid.
        origins: those of `Options`.

    Raises:
        HandshakeError: it is a page of another site (403), or there are several Origins (400).
        HandlerError: a function among the origins raises, or returns neither True nor False.

    RFC 6455 §4.2.2, §10.2, RFC 6454 §7.
    """
    fields = _fields(request)
    named = fields.get("origin")
    if named is None:
        return
    if len(named) > 1:
        raise HandshakeError(400, "more than one Origin (RFC 6454 §7.3)")
    if "*" in origins:
        return
    origin = named[0]
    parsed = parse_origin(origin)
    if parsed is not None and parsed.host == _host(request, fields):
        return
    if not is_listed(origin, request, origins):
        raise foreign_origin(request, origin)


def foreign_origin(
    request: Request, origin: str, *, settings: str = "the option origins="
) -> HandshakeError:
    """Return the refusal of a page of another site, with advice for the operator.

    Args:
        request: the request of the page.
        origin: the origin of the page.
        settings: the name of the setting of the host that lists the allowed origins.
    """
    remedy = ""
    if _seems_proxied(request, origin):
        remedy = (
            "; a proxy in front has to pass the browser's Host on, as nginx does with"
            " proxy_set_header Host $host"
        )
    return HandshakeError(
        403,
        f"the origin {_quoted(origin)} is not let in: it is neither that of the Host nor listed in"
        f" {settings}{remedy} (RFC 6455 §10.2)",
    )


def accept(request: Request, key: str, upgrade: Upgrade | None, options: Options) -> Acceptance:
    """Return the 101 response, with the subprotocol and the headers of the application.

    Args:
        request: a request that `check` has found valid.
        key: the key that `check` has returned.
        upgrade: the answer of the application; None for a bare Sock, which chooses nothing.
        options: the options of this connection, laid over those of the server.

    Raises:
        HandlerError: the application chose a subprotocol that was not offered, or a header that
            only the host may set.

    RFC 6455 §4.2.2.
    """
    headers: list[tuple[str, str]] = []
    if upgrade is not None and upgrade.subprotocol is not None:
        # RFC 6455 §4.2.2: "The value chosen MUST be derived from the client's handshake".
        if upgrade.subprotocol not in _elements(_fields(request), "sec-websocket-protocol"):
            shown = masked_subprotocol(upgrade.subprotocol)
            raise HandlerError(
                f"the subprotocol {shown!r} was not offered;"
                " request.subprotocols has those that were (RFC 6455 §4.2.2)"
            )
        headers.append(("Sec-WebSocket-Protocol", upgrade.subprotocol))
    agreement = None
    if options.compression is not None:
        offers = parse(_fields(request).get("sec-websocket-extensions", ()))
        agreement = negotiate(offers, options.compression)
        if agreement is not None:
            headers.append(("Sec-WebSocket-Extensions", agreement.header()))
    for name, value in () if upgrade is None else upgrade.headers:
        if name.lower() in _RESERVED or name.lower().startswith("sec-websocket-"):
            raise HandlerError(
                f"only the host may set the header {name} of a 101 (RFC 6455 §4.2.2)"
            )
        headers.append((name, value))
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = b"%b%b\r\n%b\r\n" % (_ACCEPTANCE, accept_token(key), lines.encode())
    request.notable = None  # not needed any more, and the connection may live for days
    return Acceptance(head, agreement)


def _fields(request: Request) -> _Fields:
    fields = request.notable
    if fields is None:
        fields = request.notable = notable(request.raw_headers)
    return fields


def _elements(fields: _Fields, field: str) -> list[str]:
    """Return the elements of the list in all fields of this name. RFC 9110 §5.6.1."""
    values = fields.get(field, ())
    elements = [element.strip(" \t") for value in values for element in value.split(",")]
    return [element for element in elements if element]


def _names(fields: _Fields, field: str, token: str) -> bool:
    values = fields.get(field, ())
    if len(values) == 1 and values[0].lower() == token:  # nearly always it is so
        return True
    return token in [element.lower() for element in _elements(fields, field)]


def _single(fields: _Fields, name: str) -> str:
    values = fields.get(name.lower(), ())
    if len(values) != 1:
        raise HandshakeError(400, f"{len(values)} fields of {name}, not one (RFC 6455 §4.2.1)")
    return values[0]


def _host(request: Request, fields: _Fields) -> str:
    # RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
    # request message that lacks a Host header field and to any request message that contains more
    # than one Host header field line or a Host header field with an invalid field value."
    values = fields.get("host", [])
    host = _parse_host(values[0]) if len(values) == 1 else None
    # Nearly all targets are a path, which names no host (bench, sock connect).
    authority = None if request.target.startswith("/") else split_target(request.target)[0]
    if authority is not None and host is not None:
        # RFC 9112 §3.2.2: "the origin server MUST ignore the received Host header field (if any)
        # and instead replace it with the host information of the request-target".
        values, host = [authority], _parse_host(authority)
    if host is None:
        quoted = _quoted(", ".join(values))
        raise HandshakeError(400, f"Host must be one valid name: {quoted} (RFC 9112 §3.2)")
    return host


@lru_cache(maxsize=256)  # the clients of a server use few names for it
def _parse_host(authority: str) -> str | None:
    return parse_host(authority)


def _seems_proxied(request: Request, origin: str) -> bool:
    """Return whether a proxy seems to have replaced the Host that the browser has sent."""
    for name, _ in request.raw_headers:
        lower = name.lower()
        if lower in _OF_PROXIES or lower.startswith(b"x-forwarded-"):
            return True
    parsed = parse_origin(origin)
    if parsed is None or _is_internal(parsed.host):
        return False
    return _is_internal(_host(request, _fields(request)))


def _is_internal(host: str) -> bool:
    """Return whether a name or an address cannot be reached from the public Internet."""
    try:
        return ip_address(host.strip("[]")).is_private
    except ValueError:
        host = host.rstrip(".")
        return "." not in host or host.endswith(_INTERNAL)


def _quoted(text: str) -> str:
    """Return a text of the peer for use in an error of ours, quoted and shortened."""
    return repr(text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + "…")


def _check_offers(fields: _Fields) -> None:
    if "sec-websocket-extensions" in fields:
        parse(fields["sec-websocket-extensions"])
    if "sec-websocket-protocol" not in fields:
        return
    offered = _elements(fields, "sec-websocket-protocol")
    # RFC 6455 §4.1: "The elements that comprise this value MUST be non-empty strings with
    # characters in the range U+0021 to U+007E not including separator characters as defined in
    # [RFC2616] and MUST all be unique strings."
    unique = len(set(offered)) == len(offered) > 0
    if not unique or not all(map(_TOKEN.fullmatch, offered)):
        raise HandshakeError(400, "malformed Sec-WebSocket-Protocol (RFC 6455 §4.1)")
