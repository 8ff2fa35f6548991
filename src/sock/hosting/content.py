"""The content of an ordinary answer, and which header fields say something about it. RFC 9110."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sock.spec import Response

_OF_HOST: Final = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})

WITHOUT_CONTENT: Final = frozenset((204, 205, 304))
"""The statuses of answers that have no content. RFC 9110 §15.3.5, §15.3.6, §15.4.5."""


def content_of(response: Response) -> bytes:
    """Return the content that answers a GET; it is empty where the status allows none."""
    if response.status in WITHOUT_CONTENT:
        return b""
    return response.body.encode() if isinstance(response.body, str) else response.body


def headers_of(response: Response) -> list[tuple[str, str]]:
    """Return the header fields of an answer, without those that are the host's to set [S14.10].

    Only the host says where an answer ends. An application that copies a field of a request into
    its answer could otherwise be made to split that answer (RFC 9112 §6.3).
    """
    headers = [pair for pair in response.headers if pair[0].lower() not in _OF_HOST]
    kind = content_type_of(response)
    if kind is not None:
        headers.append(("Content-Type", kind))
    return headers


def has_content_length(status: int) -> bool:
    """Tell whether an answer with this status has the field Content-Length.

    RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a
    status code of … 204"; in a 304 it would be the length of another answer. A 205 has the length 0
    (§15.3.6).
    """
    return status not in {204, 304}


def content_type_of(response: Response) -> str | None:
    """Return the Content-Type that the host adds; None where the answer needs none of the host's.

    An answer needs none when it has no content, and when it has a Content-Type of its own.
    """
    if not response.body or response.status in WITHOUT_CONTENT:
        return None
    if any(name.lower() == "content-type" for name, _ in response.headers):
        return None
    text = isinstance(response.body, str)
    return "text/plain; charset=utf-8" if text else "application/octet-stream"
