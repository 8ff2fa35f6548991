"""The opening handshake, seen from the server. RFC 6455 §4.2, RFC 9110, RFC 9112."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha1
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final, final

from sock.spec.errors import HandlerError, HandshakeError

from .deflate import Agreement, negotiate
from .extension import parse

if TYPE_CHECKING:
    from sock.spec.options import Options
    from sock.spec.request import Request
    from sock.spec.upgrade import Upgrade

VERSION: Final = "13"

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_HTTP_VERSION: Final = re.compile(r"1\.[1-9]")
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")  # RFC 4648 §4, of 16 bytes
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 3986 §3.2.2; an empty host is none for http (RFC 9110 §4.2.1).
_REG_NAME: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
_HOST: Final = re.compile(
    rf"(?P<host>\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|{_REG_NAME})(?::(?P<port>[0-9]*))?"
)
_ORIGIN: Final = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+\-.]*)://(?P<authority>{_HOST.pattern})"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}

_UPGRADE_HEADERS: Final = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
_VERSION_HEADERS: Final = (*_UPGRADE_HEADERS, ("Sec-WebSocket-Version", VERSION))
# Ours to say; and a 101 has no body to frame (RFC 9110 §8.6, RFC 9112 §6.1).
_RESERVED: Final = frozenset(("upgrade", "connection", "content-length", "transfer-encoding"))


@final
@dataclass(frozen=True, slots=True)
class Acceptance:
    """The upgrade, agreed on.

    Args:
        head: the whole 101.
        agreement: what it says about compression; None for none.
    """

    head: bytes
    agreement: Agreement | None


def asks_to_upgrade(request: Request) -> bool:
    """Tell whether a request wants a WebSocket connection at all, valid or not. RFC 9110 §7.8."""
    return _names(request, "upgrade", "websocket")


def check(request: Request) -> str:
    """Return the key of a request that is a valid opening handshake.

    Raises:
        HandshakeError: it is none (400), or asks for something else (426).

    RFC 6455 §4.2.1.
    """
    if request.method != "GET":
        raise HandshakeError(400, f"the method is {request.method}, not GET (RFC 6455 §4.2.1)")
    if not _HTTP_VERSION.fullmatch(request.http_version):
        raise HandshakeError(400, f"HTTP/{request.http_version}, not HTTP/1.1 (RFC 6455 §4.2.1)")
    _host(request)
    if not asks_to_upgrade(request):
        raise HandshakeError(
            426, "Upgrade does not name websocket (RFC 6455 §4.2.1)", _VERSION_HEADERS
        )
    if not _names(request, "connection", "upgrade"):
        raise HandshakeError(
            426, "Connection does not name Upgrade (RFC 6455 §4.2.1)", _VERSION_HEADERS
        )
    version = _single(request, "Sec-WebSocket-Version")
    if version != VERSION:
        # RFC 6455 §4.2.2: "an appropriate HTTP error code (such as 426 Upgrade Required) and a
        # |Sec-WebSocket-Version| header field".
        raise HandshakeError(426, f"version {version!r}, not 13 (RFC 6455 §4.4)", _VERSION_HEADERS)
    key = _single(request, "Sec-WebSocket-Key")
    if not _KEY.fullmatch(key):
        raise HandshakeError(400, "Sec-WebSocket-Key is not 16 bytes in base64 (RFC 6455 §4.2.1)")
    _check_offers(request)
    # A body would be taken for frames: what follows the head is the connection's. RFC 9110 §9.3.1,
    # of content in a GET: "its potential as a request smuggling attack".
    if request.headers.get_all("transfer-encoding"):
        raise HandshakeError(400, "Transfer-Encoding in an opening handshake (RFC 9110 §9.3.1)")
    if any(length.strip() != "0" for length in request.headers.get_all("content-length")):
        raise HandshakeError(400, "a body in an opening handshake (RFC 9110 §9.3.1)")
    return key


def check_origin(request: Request, origins: tuple[str, ...]) -> None:
    """Let in the pages of the host itself, and of the origins that are listed.

    Args:
        request: one that `check` found valid.
        origins: scheme, host and port, such as "https://example.com"; "*" for all; "null" for pages
            without one.

    Raises:
        HandshakeError: another site's page (403), or more than one Origin (400).

    RFC 6455 §4.2.2, §10.2, RFC 6454 §7.
    """
    fields = request.headers.get_all("origin")
    if not fields:
        return
    if len(fields) > 1:
        raise HandshakeError(400, "more than one Origin (RFC 6454 §7.3)")
    origin = fields[0].strip()
    if "*" in origins or (origin == "null" and "null" in origins):
        return
    parsed = _parse_origin(origin)
    if parsed is None or (
        parsed[1] != _host(request) and parsed not in [_parse_origin(other) for other in origins]
    ):
        raise HandshakeError(403, f"the origin {origin!r} is not let in (RFC 6455 §10.2)")


def accept_token(key: str) -> str:
    """Return what `Sec-WebSocket-Accept` says to a key.

    >>> accept_token("dGhlIHNhbXBsZSBub25jZQ==")
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

    RFC 6455 §4.2.2.
    """
    return b64encode(sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def accept(request: Request, key: str, upgrade: Upgrade, options: Options) -> Acceptance:
    """Return the 101, with the subprotocol and the headers of the application on it.

    Args:
        request: one that `check` found valid.
        key: what `check` returned.
        upgrade: the application's answer.
        options: of this connection, over the server's.

    Raises:
        HandlerError: the application chose a subprotocol that was not offered, or a header that is
            not its to choose.

    RFC 6455 §4.2.2.
    """
    headers = [*_UPGRADE_HEADERS, ("Sec-WebSocket-Accept", accept_token(key))]
    if upgrade.subprotocol is not None:
        # RFC 6455 §4.2.2: "The value chosen MUST be derived from the client's handshake".
        if upgrade.subprotocol not in request.subprotocols:
            raise HandlerError(
                f"the subprotocol {upgrade.subprotocol!r} was not offered;"
                " request.subprotocols has those that were (RFC 6455 §4.2.2)"
            )
        headers.append(("Sec-WebSocket-Protocol", upgrade.subprotocol))
    agreement = None
    if options.compression is not None:
        offers = parse(request.headers.get_all("sec-websocket-extensions"))
        agreement = negotiate(offers, options.compression)
        if agreement is not None:
            headers.append(("Sec-WebSocket-Extensions", agreement.header()))
    for name, _ in upgrade.headers:
        if name.lower() in _RESERVED or name.lower().startswith("sec-websocket-"):
            raise HandlerError(f"the header {name} of a 101 is the host's (RFC 6455 §4.2.2)")
    lines = "".join(f"{name}: {value}\r\n" for name, value in (*headers, *upgrade.headers))
    try:
        head = f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        raise HandlerError("a header of the 101 is not Latin-1 (RFC 9110 §5.5)") from None
    return Acceptance(head, agreement)


def _names(request: Request, field: str, token: str) -> bool:
    return token in (element.lower() for element in request.headers.get_list(field))


def _single(request: Request, name: str) -> str:
    fields = request.headers.get_all(name)
    if len(fields) != 1:
        raise HandshakeError(400, f"{len(fields)} fields of {name}, not one (RFC 6455 §4.2.1)")
    return fields[0].strip(" \t")


def _host(request: Request) -> str:
    # RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
    # request message that lacks a Host header field and to any request message that contains more
    # than one Host header field line or a Host header field with an invalid field value."
    fields = request.headers.get_all("host")
    host = _parse_host(fields[0].strip(" \t")) if len(fields) == 1 else None
    if host is None:
        raise HandshakeError(400, f"not one valid Host: {fields} (RFC 9112 §3.2)")
    return host


def _parse_host(authority: str) -> str | None:
    match = _HOST.fullmatch(authority)
    if match is None:
        return None
    if match["ipv6"] is None:
        return match["host"].lower()
    try:
        return f"[{IPv6Address(match['ipv6']).compressed}]"
    except ValueError:
        return None


def _parse_origin(origin: str) -> tuple[str, str, str] | None:
    match = _ORIGIN.fullmatch(origin)
    host = _parse_host(match["authority"]) if match else None
    if match is None or host is None:
        return None
    scheme = match["scheme"].lower()
    return scheme, host, match["port"] or _DEFAULT_PORTS.get(scheme, "")


def _check_offers(request: Request) -> None:
    parse(request.headers.get_all("sec-websocket-extensions"))
    offered = request.subprotocols
    # RFC 6455 §4.1: "The elements that comprise this value MUST be non-empty strings with
    # characters in the range U+0021 to U+007E not including separator characters as defined in
    # [RFC2616] and MUST all be unique strings."
    if len(set(offered)) < len(offered) or not all(map(_TOKEN.fullmatch, offered)):
        raise HandshakeError(400, "malformed Sec-WebSocket-Protocol (RFC 6455 §4.1)")
