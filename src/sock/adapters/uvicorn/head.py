"""The head of a request as uvicorn's HTTP protocols hand it on, and the bytes behind it.

uvicorn reads a request with h11, httptools or zttp, writes its head anew, and gives the new head to
the class that `--ws` names. The new head tells neither the version of HTTP nor the bytes that were
read behind the old one: both are found here.
"""

from __future__ import annotations

import inspect
import re
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from sock.adapters.conversion import address_of, content_of, headers_of
from sock.spec import HandshakeError, Request
from sock.wire import handshake

from .limits import HOST

if TYPE_CHECKING:
    import asyncio

    from sock.spec import Response

_END: Final = b"\r\n\r\n"
_SPLIT_ENDS: Final = (b"\n\r\n", b"\r\n", b"\n")
"""The rest of the end of a head, where the end began in an earlier piece of data."""

_LISTS: Final = (b"upgrade", b"connection")
_PLAIN_UPGRADE: Final = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)

_MAX_CALLS: Final = 8
"""The most calls between `data_received` of an HTTP protocol and this module."""


def origin_form(head: bytes) -> bytes:
    """Return a head whose target is a path with a query, and whose Host is that of the old target.

    Raises:
        HandshakeError: the target is neither in origin form nor an absolute URI.

    RFC 9112 §3.2.
    """
    line, _, fields = head.partition(b"\r\n")
    method, target, version = line.split(b" ", 2)
    if target.startswith(b"/"):
        return head
    authority, target_in_origin_form = handshake.split_target(target.decode("latin-1"))
    if authority is None:
        raise HandshakeError(400, "the target has none of the forms of a GET (RFC 9112 §3.2)")
    lines = [
        b" ".join((method, target_in_origin_form.encode("latin-1"), version)),
        b"host: " + authority.encode("latin-1"),
        *(one for one in fields.split(b"\r\n") if not one.lower().startswith(b"host:")),
    ]
    return b"\r\n".join(lines)


def with_one_upgrade(head: bytes) -> bytes:
    """Return a head whose fields Upgrade and Connection name nothing but the upgrade.

    Both are lists, in one field or in several [S14.12]. uvicorn's built-in protocols take other
    elements than `websocket` for an error.

    Args:
        head: of a handshake that was found valid.
    """
    line, *fields = head.split(b"\r\n")
    kept = [one for one in fields if one.partition(b":")[0].lower() not in _LISTS]
    if len(kept) == len(fields) - 2 and _PLAIN_UPGRADE.search(head):
        return head
    return b"\r\n".join((line, b"upgrade: websocket", b"connection: Upgrade", *kept))


def request_of(head: bytes, version: str, transport: asyncio.Transport) -> Request:
    """Return the request that uvicorn has read.

    Args:
        head: as uvicorn has written it.
        version: of HTTP, as the peer has sent it.
        transport: of the connection.
    """
    line, *fields = head.split(_END, 1)[0].split(b"\r\n")
    method, target, _ = line.split(b" ", 2)
    pairs = (field.partition(b":") for field in fields)
    return Request(
        method.decode("ascii"),
        target.decode("latin-1"),
        [(name, value.strip(b" \t")) for name, _, value in pairs],
        http_version=version,
        scheme="http" if transport.get_extra_info("sslcontext") is None else "https",
        client=address_of(transport.get_extra_info("peername")),
        server=address_of(transport.get_extra_info("sockname")),
        host=HOST,
    )


def bytes_of(response: Response) -> bytes:
    """Return a response in the form that it has on the wire, for a connection that ends with it."""
    content = content_of(response)
    fields = [
        *headers_of(response),
        ("Content-Length", str(len(content))),
        ("Connection", "close"),
    ]
    phrase = HTTPStatus(response.status).phrase
    lines = [
        f"HTTP/1.1 {response.status} {phrase}",
        *(f"{name}: {value}" for name, value in fields),
    ]
    return "\r\n".join((*lines, "", "")).encode() + content


def version_of(reader: Any) -> str:
    """Return the version of HTTP that an HTTP protocol of uvicorn's has read."""
    scope: Any = getattr(reader, "scope", None) or {}
    return str(scope.get("http_version", "1.1"))


def behind_the_head(reader: Any) -> bytes:
    """Return the bytes that uvicorn has read behind the request, and would forget.

    This is called while an HTTP protocol of uvicorn's hands the connection over. The protocol with
    h11 keeps the bytes. The protocol with httptools is handling an exception that tells where they
    begin in the data that has just arrived. The protocol with zttp does not know where they begin,
    so the end of the head is looked for in that data.
    """
    error = sys.exception()
    frame = None if error is None or error.__traceback__ is None else error.__traceback__.tb_frame
    if type(error).__name__ == "HttpParserUpgrade" and frame is not None:
        data: Any = frame.f_locals.get("data", b"")
        offset: Any = error.args[0] if error is not None and error.args else len(data)
        return bytes(data[offset:])
    connection: Any = getattr(reader, "conn", None)
    trailing: Any = getattr(connection, "trailing_data", None)
    if trailing is not None:
        return bytes(trailing[0])
    pairs: Any = getattr(reader, "headers", None)
    data = _arrived_data(reader)
    return b"" if data is None or not pairs else _after_fields(data, pairs)


def _arrived_data(reader: Any) -> bytes | None:
    """Return the argument of the reader's `data_received`, or None where that does not run."""
    frame = inspect.currentframe()
    for _ in range(_MAX_CALLS):
        if frame is None:
            break
        if frame.f_code.co_name == "data_received" and frame.f_locals.get("self") is reader:
            return bytes(frame.f_locals["data"])
        frame = frame.f_back
    return None


def _after_fields(data: bytes, pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Return the bytes behind a head, given the piece of data that the head ends in.

    Args:
        data: the piece; the head may begin in an earlier one.
        pairs: all fields of the head, names in lower case.
    """
    end = data.find(_END)
    while end >= 0:
        if _ends_with(data[:end], pairs):
            return data[end + len(_END) :]
        end = data.find(_END, end + 1)
    for rest in _SPLIT_ENDS:
        if data.startswith(rest):
            return data[len(rest) :]
    return b""


def _ends_with(data: bytes, pairs: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether data ends with these fields, or with as many of them as it has room for."""
    cut, *lines = data.rsplit(b"\r\n", len(pairs))
    for line, (name, value) in zip(reversed(lines), reversed(pairs), strict=False):
        given, _, content = line.partition(b":")
        if given.lower() != name or content.strip(b" \t") != value:
            return False
    if len(lines) >= len(pairs):
        return True
    whole = b":".join(pairs[len(pairs) - len(lines) - 1])  # the piece begins within this line
    return _bare(whole).endswith(_bare(cut))


def _bare(line: bytes) -> bytes:
    """Return a line without spaces and upper case, which may be written in several ways."""
    return b"".join(line.lower().split())
