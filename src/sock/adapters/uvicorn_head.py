"""The head of a request as uvicorn's HTTP protocols hand it on, and what they have read behind it.

uvicorn reads a request with h11, httptools or zttp, writes it down again and gives that to the
class that `--ws` names. Not in what it writes are the version of HTTP and the bytes behind the
head: both are found here.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

from sock.spec import HandshakeError, Request
from sock.wire import handshake

from .hosted import address_of

if TYPE_CHECKING:
    import asyncio

_END: Final = b"\r\n\r\n"
_SPLIT_ENDS: Final = (b"\n\r\n", b"\r\n", b"\n")
"""What is left of the end of a head whose first bytes came in an earlier piece."""

_FRAMES: Final = 8
"""Calls between `data_received` of an HTTP protocol and ours, at most."""


def origin_form(head: bytes) -> bytes:
    """Return a head whose target is path and query, and whose Host is that of the target.

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
        raise HandshakeError(400, "a target in none of the forms of a GET (RFC 9112 §3.2)")
    lines = [
        b" ".join((method, target_in_origin_form.encode("latin-1"), version)),
        b"host: " + authority.encode("latin-1"),
        *(one for one in fields.split(b"\r\n") if not one.lower().startswith(b"host:")),
    ]
    return b"\r\n".join(lines)


def request_of(head: bytes, version: str, transport: asyncio.Transport) -> Request:
    """Return the request that uvicorn has read.

    Args:
        head: as uvicorn has written it down again.
        version: of HTTP, as the peer has said it.
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
    )


def version_of(reader: Any) -> str:
    """Return the version of HTTP that an HTTP protocol of uvicorn's has read."""
    scope: Any = getattr(reader, "scope", None) or {}
    return str(scope.get("http_version", "1.1"))


def behind_the_head(reader: Any) -> bytes:
    """Return what uvicorn has read behind the request, and would forget.

    Called while an HTTP protocol of uvicorn's hands the connection over. The one with h11 keeps the
    bytes. The one with httptools is handling the exception that says where they begin in the data
    at hand. The one with zttp does not know; they are looked for in the data at hand.
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
    data = _data_at_hand(reader)
    return b"" if data is None or not pairs else _after_fields(data, pairs)


def _data_at_hand(reader: Any) -> bytes | None:
    """Return the argument of the `data_received` that runs; None where none of this reader does."""
    frame = inspect.currentframe()
    for _ in range(_FRAMES):
        if frame is None:
            break
        if frame.f_code.co_name == "data_received" and frame.f_locals.get("self") is reader:
            return bytes(frame.f_locals["data"])
        frame = frame.f_back
    return None


def _after_fields(data: bytes, pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Return what comes in a piece of data behind the fields of a head, which may begin before it.

    Args:
        data: the piece that the head was completed by.
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
    """Tell whether data ends with these fields, or with as many of them as there is room for."""
    cut, *lines = data.rsplit(b"\r\n", len(pairs))
    for line, (name, value) in zip(reversed(lines), reversed(pairs), strict=False):
        given, _, content = line.partition(b":")
        if given.lower() != name or content.strip(b" \t") != value:
            return False
    if len(lines) >= len(pairs):
        return True
    begun = b":".join(pairs[len(pairs) - len(lines) - 1])  # the line that the piece begins within
    return _bare(begun).endswith(_bare(cut))


def _bare(line: bytes) -> bytes:
    """Return a line without what may be written in several ways."""
    return b"".join(line.lower().split())
