"""The bytes of an ordinary HTTP answer. RFC 9110, RFC 9112."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from sock.hosting.content import content_of, has_content_length, headers_of

if TYPE_CHECKING:
    from sock.spec import Request, Response

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}

_date = (0, "")


def render(response: Response, request: Request | None, *, keep_alive: bool) -> bytes:
    """Return the bytes of an answer.

    Args:
        response: the answer.
        request: the one that is answered; None when it could not be read.
        keep_alive: whether the connection takes another request.
    """
    status = response.status
    content = content_of(response)
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, '')}"]
    named = {name.lower() for name, _ in response.headers}
    lines += [f"{name}: {value}" for name, value in headers_of(response)]
    if "date" not in named:
        lines.append(f"Date: {_now()}")
    if has_content_length(status):
        lines.append(f"Content-Length: {len(content)}")
    options = [] if keep_alive else ["close"]
    if status == 426:
        # RFC 9110 §15.5.22: "The server MUST send an Upgrade header field in a 426 response";
        # §7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option".
        if "upgrade" not in named:
            lines.append("Upgrade: websocket")
        options.append("Upgrade")
    elif keep_alive and request is not None and request.http_version == "1.0":
        options.append("keep-alive")
    if options:
        lines.append(f"Connection: {', '.join(options)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()  # RFC 9110 §5.5: values may be any bytes
    if request is not None and request.method == "HEAD":
        return head
    return head + content


def wants_close(response: Response) -> bool:
    """Tell whether the application asks for the connection to end with this answer."""
    return any(
        name.lower() == "connection" and "close" in value.lower()
        for name, value in response.headers
    )


def _now() -> str:
    global _date  # noqa: PLW0603 - made once a second, not once an answer
    second = int(time.time())
    if _date[0] != second:
        _date = (second, formatdate(second, usegmt=True))
    return _date[1]
