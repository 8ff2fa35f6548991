"""The head of one request. httptools lets heads through that RFC 9112 forbids: they end here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, TypeAlias

from sock.spec.request import split_fields
from sock.wire.handshake import notable

if TYPE_CHECKING:
    from collections.abc import Sequence

Notable: TypeAlias = dict[str, list[str]]
"""The values of the fields that the server decides by; the keys are names in lower case."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# RFC 9112 §3: "method SP request-target SP HTTP-version"; httptools lets several spaces through.
_REQUEST_LINE: Final = re.compile(rb"(%s) ([!-~]+) HTTP/([0-9]\.[0-9])\r\n" % _TOKEN)
_BEGINS_WITH_METHOD: Final = re.compile(rb"%s " % _TOKEN)
# RFC 9110 §4.2.1: a target with an authority. One that names a user is refused (§4.2.4).
_ABSOLUTE: Final = re.compile(rb"(?i:https?|wss?)://([^/?]+)((?:[/?].*)?)")
# RFC 9110 §7.2 and RFC 3986 §3.2: "Host = uri-host [ ":" port ]".
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]*)(:[0-9]*)?")


_LONGEST_NUMBER: Final = 20
"""The digits of 2^64. A length with more digits is too large, whatever it is."""


SPEAKS_TLS: Final = "the peer speaks TLS, and this port speaks plain HTTP (RFC 9112 §3)"
"""Answers a ClientHello."""


class BadRequest(Exception):
    """The bytes are no request, and only this error answers them.

    Args:
        status: of the answer.
        detail: the body of the answer, for the peer's developers.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Head(NamedTuple):
    """A head that breaks no rule.

    Attributes:
        method: upper case.
        target: path and query, or "*".
        version: "1.0" or "1.1".
        fields: the lines of the fields as they came. Where the target names a host, the field Host
            is that of the target.
        notable: the values of the fields that the server decides by.
        length: the bytes of the body, which may be more than a machine word can count; 0 when
            there is no body, None when it is chunked.
        expects_continue: whether the peer may wait for a 100 before it sends the body.
    """

    method: str
    target: str
    version: str
    fields: bytes
    notable: Notable
    length: int | None
    expects_continue: bool


def check_head(data: bytes) -> Head:
    """Return a head that breaks no rule.

    Args:
        data: the bytes of the head with the empty line, which the parser has let through.

    Raises:
        BadRequest: the head breaks a rule.
    """
    line = _REQUEST_LINE.match(data)
    if line is None:
        raise BadRequest(400, "the first line is not a request line (RFC 9112 §3)")
    method, target, version = line.groups()
    _check_version(version)
    lines = data.count(b"\r\n")
    if data.count(b"\n") != lines or data.count(b"\r") != lines:
        raise BadRequest(400, "there is a bare CR or LF in the head (RFC 9112 §2.2)")
    if b"\n " in data or b"\n\t" in data:
        raise BadRequest(400, "there is a folded line in the head (RFC 9112 §5.2)")
    fields = data[line.end() : -2]
    pairs = split_fields(fields)
    found = notable(pairs)
    _check_host(found.get("host", ()), version)
    target, authority = _split_target(method, target)
    if authority is not None:
        # RFC 9112 §3.2.2: "the origin server MUST ignore the received Host header field (if any)
        # and instead replace it with the host information of the request-target".
        pairs = [pair for pair in pairs if pair[0].lower() != b"host"]
        pairs.append((b"Host", authority))
        fields = b"".join(b"%b: %b\r\n" % pair for pair in pairs)
        found["host"] = [authority.decode()]
    return Head(
        method.decode(),
        target.decode(),
        version.decode(),
        fields,
        found,
        _length(found, version),
        _expects_continue(found, version),
    )


def reject_head(data: bytes, why: str, *, unknown_method: bool = False) -> NoReturn:
    """Raise the error for a head that the parser does not understand.

    Args:
        data: the part of the head that has come.
        why: what is wrong, in the parser's words.
        unknown_method: whether the parser does not know the method.

    Raises:
        BadRequest: always.
    """
    if unknown_method and _BEGINS_WITH_METHOD.match(data):
        raise BadRequest(501, "the method is unknown (RFC 9110 §9.1)")
    line = _REQUEST_LINE.match(data)
    if line is None:
        raise BadRequest(400, f"{why} (RFC 9112 §3)")
    _check_version(line[3])
    raise BadRequest(400, f"{why} (RFC 9112 §5)")


def _check_version(version: bytes) -> None:
    if version not in {b"1.1", b"1.0"}:
        raise BadRequest(505, "this server speaks HTTP/1.1 and HTTP/1.0 only (RFC 9110 §15.6.6)")


def _check_host(hosts: Sequence[str], version: bytes) -> None:
    # RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
    # request message that lacks a Host header field and to any request message that contains more
    # than one Host header field line or a Host header field with an invalid field value."
    if len(hosts) > 1:
        raise BadRequest(400, "there is more than one Host (RFC 9112 §3.2)")
    if not hosts:
        if version != b"1.0":
            raise BadRequest(400, "there is no Host (RFC 9112 §3.2)")
    elif not _HOST.fullmatch(hosts[0]):
        raise BadRequest(400, "the Host is not valid (RFC 9112 §3.2)")


def _split_target(method: bytes, target: bytes) -> tuple[bytes, bytes | None]:
    """Return path and query of a target, and its authority or None. RFC 9112 §3.2."""
    if b"#" in target:
        raise BadRequest(400, "the target of the request has a fragment (RFC 9112 §3.2)")
    if method == b"CONNECT":
        raise BadRequest(501, "this server is no proxy, and takes no CONNECT (RFC 9110 §9.3.6)")
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target, None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _HOST.fullmatch(absolute[1].decode("latin-1")):
        raise BadRequest(
            400, "the target of the request has none of the four forms (RFC 9112 §3.2)"
        )
    rest = absolute[2]
    return (rest if rest.startswith(b"/") else b"/" + rest), absolute[1]


def _length(found: Notable, version: bytes) -> int | None:
    codings = found.get("transfer-encoding")
    lengths = found.get("content-length")
    if not codings:
        return _number(lengths) if lengths else 0
    if lengths:
        raise BadRequest(400, "there are both Transfer-Encoding and Content-Length (RFC 9112 §6.3)")
    # RFC 9112 §6.1: "A server or client that receives an HTTP/1.0 message containing a
    # Transfer-Encoding header field MUST treat the message as if the framing is faulty".
    if version == b"1.0":
        raise BadRequest(400, "there is a Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)")
    if [coding.lower() for coding in codings] != ["chunked"]:
        raise BadRequest(501, "the transfer coding is not chunked (RFC 9112 §6.1)")
    return None


def _number(lengths: Sequence[str]) -> int:
    """Return a Content-Length. RFC 9110 §8.6: "Content-Length = 1*DIGIT", so it has no limit."""
    (digits, *more) = lengths
    if more or not (digits.isascii() and digits.isdigit()):
        raise BadRequest(400, "Content-Length is not one number (RFC 9112 §6.3)")
    digits = digits.lstrip("0")
    # Python reads at most 4,300 digits, and no body is that long.
    return int(digits or "0") if len(digits) <= _LONGEST_NUMBER else 10**_LONGEST_NUMBER


def _expects_continue(found: Notable, version: bytes) -> bool:
    expectations = found.get("expect")
    if not expectations:
        return False
    if [one.lower() for one in expectations] != ["100-continue"]:
        raise BadRequest(417, "the expectation is not 100-continue (RFC 9110 §10.1.1)")
    # RFC 9110 §10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request
    # MUST ignore that expectation".
    return version != b"1.0"
