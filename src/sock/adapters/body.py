"""The limit on the body of an ordinary request, `max_body_size`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sock.spec import HandshakeError

if TYPE_CHECKING:
    from sock.spec import Request


def check_announced_length(request: Request, limit: int) -> None:
    """Refuse a body whose Content-Length is too large, before any of the body is read.

    Raises:
        HandshakeError: the body has more bytes than `limit` (413).
    """
    length = request.headers.get("content-length", "").strip().lstrip("0")
    # Python converts at most 4,300 digits, and no body is longer than 20 digits can say.
    if length.isascii() and length.isdigit() and (len(length) > 20 or int(length) > limit):
        raise too_large(limit)


def too_large(limit: int) -> HandshakeError:
    """Return the refusal of a body with more bytes than `limit`."""
    return HandshakeError(413, f"the body has more than {limit} bytes (RFC 9110 §15.5.14)")
